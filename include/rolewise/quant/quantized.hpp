// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `quantized`: a quantized tensor as levels, scale, zero point and offset.
///
/// core -> [quant] -> network -> teacher/student

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <optional>
#include <utility>

namespace rolewise {

/// The range of integer levels, both ends included.
struct level_range {
  std::int64_t lowest = 0;
  std::int64_t highest = 0;

  friend constexpr bool operator==(const level_range&, const level_range&) = default;
};

/// A quantized tensor: `value = (levels - zero_point) * scale + offset`.
///
/// Layers multiply levels and apply the scale once afterwards, because sums of integer-valued
/// products are exact in floating point (below 2^24 in fp32), in any order and on any kernel.
///
/// The quantizer chooses how the gradient of the values reaches its input:
///
/// - *by tensor operations*: `levels` are floating point and carry a gradient, and so may `scale`
///   and `offset`;
/// - *by a gradient proxy*: only `gradient_proxy` carries a gradient. It takes the place of the
///   values in the autograd graph: layers pass the gradient of the values to it. Its elements are
///   never read, so it may be a single number, expanded (`gradient_proxy_for`). Then `levels` may
///   be uint8 or int8.
struct quantized {
  /// In the shape of the input. Integer-valued if `is_integer`. Floating point, or with a
  /// gradient proxy also uint8 or int8.
  torch::Tensor levels{};
  /// 0-dimensional, or `[O, 1, 1, 1]` per output channel; undefined means 1.
  torch::Tensor scale{};
  std::int64_t zero_point = 0;
  bool is_integer = false;
  /// 0-dimensional, in the type of the values; undefined means 0.
  torch::Tensor offset{};
  /// The range of integer levels, if the quantizer reports it. Integer kernels require it.
  std::optional<level_range> range{};
  /// In the shape and floating-point type of the input.
  torch::Tensor gradient_proxy{};

  /// The dequantized values, floating point, with their gradient.
  [[nodiscard]] torch::Tensor values() const;
};

namespace detail {

[[nodiscard]] ROLEWISE_INLINE torch::Tensor values_of_levels(const quantized& q,
                                                             torch::ScalarType type);

}  // namespace detail

/// Whether a tensor is unquantized, in full precision.
[[nodiscard]] ROLEWISE_INLINE bool is_plain(const quantized& q);

/// One number expanded to the shape of x, in its type: the output of an autograd function of
/// which only the gradient matters.
[[nodiscard]] inline torch::Tensor gradient_proxy_for(const torch::Tensor& x)
{
  return at::zeros({}, x.options().requires_grad(false)).expand(x.sizes());
}

/// Adds a gradient proxy if there is none: the values themselves. Levels, scale and offset are then
/// detached.
[[nodiscard]] ROLEWISE_INLINE quantized with_gradient_proxy(quantized q);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/quantized.hpp>
#endif
