// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A tensor of few values, as quantizers hand it to layers.
///
/// core -> [quant] -> network -> teacher/student

#include <rolewise/core/tensor.hpp>

#include <torch/csrc/autograd/custom_function.h>

#include <cstdint>
#include <optional>
#include <utility>

namespace rolewise {

/// Where levels lie, both ends included.
struct level_range {
  std::int64_t lowest = 0;
  std::int64_t highest = 0;

  friend constexpr bool operator==(const level_range&, const level_range&) = default;
};

/// A tensor of few values: `value = (levels - zero_point) * scale + offset`.
///
/// Layers multiply levels and scale once afterwards, because sums of integer-valued products are
/// exact in floating point (below 2^24 in fp32), in any order and on any kernel.
///
/// How the gradient reaches what was quantised, a quantizer chooses:
///
/// - *by tensor operations*: `levels` are floating point and carry a gradient, and so may `scale`
///   and `offset`;
/// - *by a stand-in*: nothing here carries a gradient but `stand_in`, which stands for the values:
///   the gradient that layers compute for the values goes to it. Its own numbers are never read, so
///   it may be a single number, expanded (`stand_in_for`). Then `levels` may be uint8 or int8.
struct quantised {
  /// Shape of what was quantised. Integer-valued if `is_integer`. Floating point, or with a
  /// stand-in also uint8 or int8.
  torch::Tensor levels{};
  /// 0-dimensional, or `[O, 1, 1, 1]` per output channel; undefined means 1.
  torch::Tensor scale{};
  std::int64_t zero_point = 0;
  bool is_integer = false;
  /// 0-dimensional, in the type of the values; undefined means 0.
  torch::Tensor offset{};
  /// Where integer levels lie, if the quantizer knows: integer kernels ask.
  std::optional<level_range> range{};
  /// Shape and floating type of what was quantised.
  torch::Tensor stand_in{};

  /// The values, floating point, with their gradient.
  [[nodiscard]] torch::Tensor values() const;
};

namespace detail {

[[nodiscard]] inline torch::Tensor values_of_levels(const quantised& q, torch::ScalarType type)
{
  auto x = q.levels.scalar_type() == type ? q.levels : q.levels.to(type);
  if (q.zero_point != 0) x = x - q.zero_point;
  if (q.scale.defined()) x = x * q.scale;
  return q.offset.defined() ? x + q.offset : x;
}

/// Values of levels whose gradient goes to a stand-in.
struct stood_for : torch::autograd::Function<stood_for> {
  static torch::Tensor forward(torch::autograd::AutogradContext*, const torch::Tensor& stand_in,
                               const quantised& q)
  {
    const auto values = values_of_levels(q, stand_in.scalar_type());
    return values.is_same(q.levels) ? values.alias() : values;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list gradient)
  {
    return {gradient[0], {}};
  }
};

}  // namespace detail

inline torch::Tensor quantised::values() const
{
  return stand_in.defined() ? detail::stood_for::apply(stand_in, *this)
                            : detail::values_of_levels(*this, levels.scalar_type());
}

/// Whether a tensor is handed on as it is, in full precision.
[[nodiscard]] inline bool is_plain(const quantised& q)
{
  return !q.scale.defined() && !q.offset.defined() && q.zero_point == 0 && !q.is_integer &&
         !q.stand_in.defined();
}

/// One number in the shape and type of x: a tensor for an autograd function to return when only its
/// gradient matters.
[[nodiscard]] inline torch::Tensor stand_in_for(const torch::Tensor& x)
{
  return torch::zeros({}, x.options().requires_grad(false)).expand(x.sizes());
}

/// The same with a stand-in, if it has none: the values themselves stand for it.
[[nodiscard]] inline quantised with_stand_in(quantised q)
{
  if (q.stand_in.defined()) return q;
  const bool has_gradient =
      at::GradMode::is_enabled() &&
      (q.levels.requires_grad() || (q.scale.defined() && q.scale.requires_grad()) ||
       (q.offset.defined() && q.offset.requires_grad()));
  q.stand_in = has_gradient ? q.values() : q.levels;
  q.levels = q.levels.detach();
  if (q.scale.defined()) q.scale = q.scale.detach();
  if (q.offset.defined()) q.offset = q.offset.detach();
  return q;
}

}  // namespace rolewise
