// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Per-parameter state tensors of optimizers, and the grouping of parameters for fused updates.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/optimizer.hpp>

#include <cstddef>
#include <string>
#include <unordered_set>
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
  explicit buffers(const std::vector<named_tensor>& parameters)
  {
    for (const auto& p : parameters)
      tensors_.push_back({p.name, at::zeros_like(p.value).set_requires_grad(false)});
  }
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
[[nodiscard]] inline std::vector<update_group> groups_of(
    const std::vector<named_tensor>& parameters, const std::vector<torch::Tensor>& gradients,
    std::size_t started_for, double weight_decay, decay what)
{
  if (parameters.size() != started_for || gradients.size() != started_for)
    throw_invalid_argument("optimizer", "was started for ", started_for, " parameters, was handed ",
                           parameters.size(), " of them with ", gradients.size(), " gradients");
  std::vector<update_group> groups;
  std::unordered_set<const c10::TensorImpl*> known;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& value = parameters[i].value;
    if (!gradients[i].defined() || !known.insert(value.unsafeGetTensorImpl()).second) continue;
    const bool is_range = parameters[i].kind == tensor_kind::range;
    const double decays =
        !is_range && (what == decay::everything || value.dim() > 1) ? weight_decay : 0.0;
    update_group* home = nullptr;
    for (auto& group : groups)
      if (group.weight_decay == decays && group.values[0].device() == value.device() &&
          group.values[0].scalar_type() == value.scalar_type())
        home = &group;
    if (home == nullptr) home = &groups.emplace_back(update_group{decays, {}, {}, {}});
    home->places.push_back(i);
    home->values.push_back(value);
    home->gradients.push_back(lie_alike(value, gradients[i])
                                  ? gradients[i]
                                  : at::empty_like(value, value.scalar_type())
                                        .set_requires_grad(false)
                                        .copy_(gradients[i]));
  }
  return groups;
}

[[nodiscard]] inline std::vector<torch::Tensor> select(const buffers& all,
                                                       const std::vector<std::size_t>& places)
{
  std::vector<torch::Tensor> chosen;
  chosen.reserve(places.size());
  for (const auto i : places) chosen.push_back(all[i]);
  return chosen;
}

}  // namespace rolewise::detail
