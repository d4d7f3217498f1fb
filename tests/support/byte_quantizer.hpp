// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A quantizer that returns bytes with a `gradient_proxy`, or the same levels as floating-point
/// numbers.

#include <rolewise/quant/quantizer.hpp>

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace rolewise::testing {

/// Straight-through estimator: passes the gradient of the values where x lies in [least, most].
struct values_inside : torch::autograd::Function<values_inside> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               double least, double most)
  {
    context->save_for_backward({x.ge(least).logical_and_(x.le(most))});
    return gradient_proxy_for(x);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient)
  {
    return {gradient[0] * context->get_saved_variables()[0], {}, {}};
  }
};

/// Activations in [0, 1] on 2^k levels; weights in +- their maximum on 2^k - 1 levels around 0 (one
/// bit: signs), with one scale per tensor or per output. `offset` is that of activations.
struct byte_quantizer {
  static constexpr std::string_view name = "byte";
  static constexpr bool rectifies = true;

  bool bytes = true;
  bool per_output = false;
  double offset = 0.0;

  struct weights {
    static constexpr bool has_state = false;
    bool bytes, per_output;

    [[nodiscard]] quantized operator()(const torch::Tensor& w, bit_width bits) const
    {
      if (bits.is_full()) return {.levels = w};
      const auto d = w.detach();
      const double n = bits.value() == 1 ? 1.0 : std::exp2(std::min(bits.value(), 8) - 1) - 1;
      const auto axes =
          d.dim() == 4 ? std::vector<std::int64_t>{1, 2, 3} : std::vector<std::int64_t>{1};
      const auto most = per_output ? d.abs().amax(axes, true) : d.abs().amax();
      const auto scale = most.clamp_min(1e-12) / n;
      auto levels = bits.value() == 1 ? d.ge(0).to(d.scalar_type()).mul_(2).sub_(1)
                                      : (d / scale).round_().clamp_(-n, n);
      const auto end = static_cast<std::int64_t>(n);
      return {.levels = bytes ? levels.to(torch::kChar) : levels,
              .scale = scale,
              .is_integer = true,
              .range = level_range{-end, end},
              .gradient_proxy = values_inside::apply(w, -1e30, 1e30)};
    }
  };

  struct activations {
    static constexpr bool has_state = false;
    bool bytes;
    double offset;

    [[nodiscard]] quantized operator()(const torch::Tensor& x, bit_width bits) const
    {
      if (bits.is_full()) return {.levels = x.relu()};
      const double n = std::exp2(bits.value()) - 1;
      const auto levels = x.detach().clamp(0, 1).mul_(n).round_();
      return {.levels = bytes ? levels.to(torch::kByte) : levels,
              .scale = torch::full({}, 1 / n, x.options().requires_grad(false)),
              .is_integer = true,
              .offset = offset == 0.0 ? torch::Tensor{}
                                      : torch::full({}, offset, x.options().requires_grad(false)),
              .range = level_range{0, static_cast<std::int64_t>(n)},
              .gradient_proxy = values_inside::apply(x, 0.0, 1.0)};
    }
  };

  [[nodiscard]] weights start_weights(const layer_id&) const { return {bytes, per_output}; }
  [[nodiscard]] activations start_activations(const layer_id&) const { return {bytes, offset}; }
};

static_assert(Quantizer<byte_quantizer>);

}  // namespace rolewise::testing
