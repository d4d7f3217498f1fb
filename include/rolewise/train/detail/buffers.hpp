// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Per-parameter state tensors of optimizers, and the grouping of parameters for fused updates.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/optimizer.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Increments the version counter of tensors that were changed in place, which LibTorch's fused
/// optimizers do not. Quantized weights that are cached for evaluation stay valid until the
/// version changes.
inline void count_change(const std::vector<torch::Tensor>& changed)
{
  for (const auto& t : changed)
    if (!t.is_inference()) t.unsafeGetTensorImpl()->bump_version();
}

/// One zero-initialized buffer per parameter, with the parameter's memory layout. Copies are deep.
class buffers {
 public:
  buffers() = default;
  explicit buffers(const std::vector<named_tensor>& parameters);
  buffers(const buffers& other) : tensors_{other.tensors_} { detach_from_original(); }
  buffers& operator=(const buffers& other)
  {
    if (this != &other) {
      tensors_ = other.tensors_;
      detach_from_original();
    }
    return *this;
  }
  buffers(buffers&&) noexcept = default;
  buffers& operator=(buffers&&) noexcept = default;
  ~buffers() = default;

  [[nodiscard]] std::size_t size() const { return tensors_.size(); }
  [[nodiscard]] const torch::Tensor& operator[](std::size_t i) const { return tensors_[i].value; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    for (auto& t : tensors_) archive.buffer(t.name, t.value);
  }

 private:
  void detach_from_original()
  {
    for (auto& t : tensors_) t.value = t.value.clone();
  }

  std::vector<named_tensor> tensors_;
};

/// Parameters that one fused call can update together: same device, dtype and weight decay.
struct update_group {
  double weight_decay = 0.0;
  std::vector<std::size_t> places;  ///< indices of the parameters, in the order of the run
  std::vector<torch::Tensor> values, gradients;
};

[[nodiscard]] inline bool lie_alike(const torch::Tensor& a, const torch::Tensor& b)
{
  return a.strides() == b.strides();
}

/// Groups the parameters that have a gradient. A parameter that is listed twice is grouped once,
/// with the first of its defined gradients. Fused CPU operators traverse the memory of a parameter
/// and of its gradient in parallel, so a gradient with other strides is copied.
[[nodiscard]] ROLEWISE_INLINE std::vector<update_group> groups_of(
    const std::vector<named_tensor>& parameters, const std::vector<torch::Tensor>& gradients,
    std::size_t started_for, double weight_decay, decay what);

[[nodiscard]] ROLEWISE_INLINE std::vector<torch::Tensor> select(
    const buffers& all, const std::vector<std::size_t>& places);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/buffers.hpp>
#endif
