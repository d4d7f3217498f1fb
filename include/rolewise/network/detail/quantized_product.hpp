// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Products of quantized levels with the gradient of the values: common parts, and the linear
/// product.

#include <rolewise/core/tensor.hpp>
#include <rolewise/network/detail/integer_operators.hpp>
#include <rolewise/network/detail/integer_plan.hpp>
#include <rolewise/network/detail/scratch.hpp>
#include <rolewise/network/pass_precision.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <vector>

namespace torch::autograd {
struct AutogradContext;
}

namespace rolewise::detail {

/// The product of two scales; an undefined one is 1.
[[nodiscard]] inline torch::Tensor product_of_scales(const torch::Tensor& a, const torch::Tensor& b)
{
  if (!a.defined()) return b;
  return b.defined() ? a * b : a;
}

/// A scale of weights, 0-dimensional or `[O, 1, ...]`, reshaped to broadcast over an output with
/// `dimensions` axes, whose channels are axis 1.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor along_outputs(const torch::Tensor& scale,
                                                          std::int64_t dimensions);

/// Levels minus the zero point, in a floating type, so that padding with 0 pads with the value 0.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor levels_from_zero(const quantized& x,
                                                             torch::ScalarType type);

/// The same for feature maps, in scratch memory if their dtype differs; not to be stored.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor passing_levels(const quantized& x,
                                                           torch::ScalarType type);

/// How a layer multiplies: arithmetic, packed weights, precision of the backward pass.
struct product_plan {
  integer_plan integers{};
  torch::Tensor packed{};  ///< packed weights, if arithmetic is integer
  pass_precision backward = pass_precision::full;
};

/// Sums of products of levels, times the product of the scales. `multiply` takes a `byte_product`
/// and returns its scaled sums.
template<typename Multiply>
[[nodiscard]] torch::Tensor scaled_sums(const quantized& x, const quantized& w,
                                        const product_plan& plan, std::int64_t dimensions,
                                        const Multiply& multiply)
{
  const auto scale = product_of_scales(x.scale, w.scale);
  const bool at_once = scale.defined() && scale.scalar_type() == torch::kFloat &&
                       integer_forward_support().scales_exactly;
  auto y = multiply(byte_product{codes_of_inputs(x.levels, plan.integers.shift), plan.integers.zero,
                                 plan.packed,
                                 at_once ? scale.reshape({-1}) : at::ones(1, torch::kFloat)});
  if (scale.defined() && !at_once) y.mul_(along_outputs(scale, dimensions));
  return y;
}

/// The operands, saved for the backward pass; weights have no offset.
struct saved_operands {
  quantized x;
  quantized w;

  void save(torch::autograd::AutogradContext& context) const;
  [[nodiscard]] static saved_operands of(torch::autograd::AutogradContext& context);
};

/// Checks that scales factor out of the sums over channels: one scale for activations, one or one
/// per output for weights, which have no offset.
/// @throws std::invalid_argument otherwise
ROLEWISE_INLINE void require_factorable(const quantized& x, const quantized& w);

/// y = x w^T for vectors `[N, D]` and weights `[O, D]`. Gradients go to the gradient proxies of
/// their values; the backward pass is small and always in full precision.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor quantized_linear_of(const quantized& x,
                                                                const quantized& w,
                                                                const product_plan& plan);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/quantized_product.hpp>
#endif
