// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `owned_tensor`: a tensor whose copies are deep.

#include <rolewise/core/tensor.hpp>

#include <utility>

namespace rolewise {

/// A tensor that is copied by value. A `torch::Tensor` is a handle: two copies of a part that
/// holds one share its memory, and training one changes the other. A model, agent or loss whose
/// tensors are `owned_tensor` members has a deep copy without writing a copy constructor.
///
///     struct scale {
///       rolewise::owned_tensor factor{torch::ones({1}).set_requires_grad(true)};
///       template<typename Archive> void visit_state(Archive& archive)
///       {
///         archive.parameter("factor", *factor);
///       }
///     };
///
/// A copy is a leaf of its own: same values, dtype, device and `requires_grad`, no graph, no
/// gradient. Moving takes the handle.
class owned_tensor {
 public:
  owned_tensor() = default;
  /// Takes over the handle; others of the same tensor keep sharing its memory.
  explicit owned_tensor(torch::Tensor t) : tensor_{std::move(t)} {}
  owned_tensor(const owned_tensor& other) : tensor_{copy_of(other.tensor_)} {}
  owned_tensor& operator=(const owned_tensor& other)
  {
    if (this != &other) tensor_ = copy_of(other.tensor_);
    return *this;
  }
  owned_tensor(owned_tensor&&) noexcept = default;
  owned_tensor& operator=(owned_tensor&&) noexcept = default;
  ~owned_tensor() = default;

  [[nodiscard]] torch::Tensor& operator*() noexcept { return tensor_; }
  [[nodiscard]] const torch::Tensor& operator*() const noexcept { return tensor_; }
  [[nodiscard]] torch::Tensor* operator->() noexcept { return &tensor_; }
  [[nodiscard]] const torch::Tensor* operator->() const noexcept { return &tensor_; }

 private:
  [[nodiscard]] static torch::Tensor copy_of(const torch::Tensor& t)
  {
    return t.defined() ? t.detach().clone().set_requires_grad(t.requires_grad()) : t;
  }

  torch::Tensor tensor_;
};

}  // namespace rolewise
