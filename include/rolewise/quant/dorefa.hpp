// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// DoReFa: weights through tanh and their maximum, activations clipped to [0, 1].

#include <rolewise/quant/quantizer.hpp>

#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <limits>

namespace rolewise {

/// What of the weights' map is differentiated beside the straight-through rounding.
enum class dorefa_gradient {
  exact,    ///< tanh, division and maximum
  detached  ///< tanh and division; the maximum counts as a constant, as several ports have it
};

/// Weights on 2^k odd levels, activations on 2^k levels of [0, 1]; nothing is learned.
///
///     n = 2^k - 1;  round is half to even, its derivative counts as 1
///     weights, k = 2 .. 31:  t = tanh(w), m = max |t|, c = round((t / (2m) + 1/2) n)
///                            levels 2c - n, scale 1/n;  values lie in [-1, 1]
///     weights, k = 1:        levels sign(w) with sign(0) = +1, scale mean |w|
///     activations, k < 32:   levels round(clip(x, 0, 1) n), scale 1/n
///     k = 32:                weights as they are, activations rectified
///
/// The maximum and the mean are taken over the whole tensor. There is no zero level for weights:
/// w = 0 becomes +1/n. The size of the weights is lost, so batch norm should follow. Weights that
/// are all zero give +1/n everywhere, with one bit 0.
///
/// @par Gradients
/// Weights: exact through maximum, division and tanh, or with the maximum held constant
/// (`dorefa_gradient`); equal maxima share its part. One bit: the gradient of the values passes
/// unchanged, mean |w| counts as a constant. Activations: passes where 0 <= x <= 1, ends included.
/// @par Determinism
/// A function of its arguments alone.
/// @par Source
/// Zhou, Wu, Ni, Zhou, Wen, Zou: DoReFa-Net: Training Low Bitwidth Convolutional Neural Networks
/// with Low Bitwidth Gradients, 2016, arXiv:1606.06160, section 2.
/// @par Departs
/// Gradients are not quantised. Weights that are all zero are defined (the paper divides by 0).
struct dorefa {
  static constexpr std::string_view name = "dorefa";
  static constexpr bool rectifies = true;

  struct weights {
    static constexpr bool has_state = false;
    static constexpr bool keeps_size = false;
    dorefa_gradient gradient = dorefa_gradient::exact;

    [[nodiscard]] quantised operator()(const torch::Tensor& w, bit_width bits) const;
  };

  struct activations {
    static constexpr bool has_state = false;

    [[nodiscard]] quantised operator()(const torch::Tensor& x, bit_width bits) const;
  };

  dorefa_gradient gradient = dorefa_gradient::exact;

  [[nodiscard]] weights start_weights(const layer_place&) const { return {gradient}; }
  [[nodiscard]] activations start_activations(const layer_place&) const { return {}; }
};

static_assert(Quantizer<dorefa>);

namespace detail {

/// Rounds half to even; the derivative counts as 1.
struct round_straight_through : torch::autograd::Function<round_straight_through> {
  static torch::Tensor forward(torch::autograd::AutogradContext*, const torch::Tensor& x)
  {
    return x.round();
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list gradient)
  {
    return gradient;
  }
};

/// Signs as +1 and -1, or 0 everywhere where the scale stands in for a mean of 0. The gradient of
/// `sign * scale` passes to w unchanged.
struct signs : torch::autograd::Function<signs> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& w,
                               const torch::Tensor& scale, const torch::Tensor& all_zero)
  {
    context->save_for_backward({scale});
    return w.ge(0).to(w.scalar_type()).mul_(2).sub_(1).masked_fill_(all_zero, 0);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient)
  {
    return {gradient[0] / context->get_saved_variables()[0], {}, {}};
  }
};

/// The open interval of `hardtanh_backward` that holds the same numbers as [0, 1].
struct interval {
  double below;
  double above;
};

[[nodiscard]] inline interval around_unit_interval(torch::ScalarType type)
{
  const auto of = []<typename T>(T) {
    using limits = std::numeric_limits<T>;
    return interval{-static_cast<double>(limits::min()),
                    1.0 + static_cast<double>(limits::epsilon())};
  };
  switch (type) {
    case torch::kDouble:
      return of(double{});
    case torch::kHalf:
      return of(c10::Half{});
    case torch::kBFloat16:
      return of(c10::BFloat16{});
    default:
      return of(float{});
  }
}

/// round(clip(x, 0, 1) n); the gradient is n inside the closed interval and 0 outside.
struct unit_interval_levels : torch::autograd::Function<unit_interval_levels> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               double n)
  {
    context->save_for_backward({x});
    context->saved_data["n"] = n;
    return x.clamp(0, 1).mul_(n).round_();
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient)
  {
    const auto x = context->get_saved_variables()[0];
    const auto [below, above] = around_unit_interval(x.scalar_type());
    return {at::hardtanh_backward(gradient[0], x, below, above)
                .mul_(context->saved_data["n"].toDouble()),
            {}};
  }
};

/// A 0-dimensional scale beside x, in at least single precision: 1/3 in bfloat16 is off by 0.2 %.
[[nodiscard]] inline torch::Tensor scale_beside(const torch::Tensor& x, double value)
{
  const auto type = x.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
  return torch::full({}, value, torch::TensorOptions{}.dtype(type).device(x.device()));
}

[[nodiscard]] inline double intervals(bit_width bits) { return std::exp2(bits.value()) - 1.0; }

}  // namespace detail

inline quantised dorefa::weights::operator()(const torch::Tensor& w, bit_width bits) const
{
  if (bits.is_full()) return {.levels = w, .scale = {}};
  if (bits.value() == 1) {
    const auto mean = w.detach().abs().mean();
    const auto all_zero = mean.eq(0);
    const auto scale = mean.masked_fill(all_zero, 1);
    return {.levels = detail::signs::apply(w, scale, all_zero), .scale = scale, .is_integer = true};
  }
  const double n = detail::intervals(bits);
  const auto t = w.tanh();
  auto m = (gradient == dorefa_gradient::exact ? t : t.detach()).abs().max();
  m = m.masked_fill(m.eq(0), 1);
  const auto codes = detail::round_straight_through::apply((t / (2 * m) + 0.5) * n);
  return {.levels = codes * 2 - n, .scale = detail::scale_beside(w, 1 / n), .is_integer = true};
}

inline quantised dorefa::activations::operator()(const torch::Tensor& x, bit_width bits) const
{
  if (bits.is_full()) return {.levels = x.relu(), .scale = {}};
  const double n = detail::intervals(bits);
  return {.levels = detail::unit_interval_levels::apply(x, n),
          .scale = detail::scale_beside(x, 1 / n),
          .is_integer = true};
}

}  // namespace rolewise
