// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Convolution without bias, of tensors or of levels.

#include <rolewise/network/activation.hpp>
#include <rolewise/network/first_weights.hpp>
#include <rolewise/network/quantised_weight.hpp>

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace rolewise {

enum class padding_rule {
  symmetric,  ///< kernel / 2 on every side
  same        ///< TensorFlow's SAME: ceil(size / stride) outputs, the odd pixel at the far side
};

struct convolution_shape {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  padding_rule padding = padding_rule::symmetric;
};

namespace detail {

/// A scale as it multiplies `[N, O, H, W]`.
[[nodiscard]] inline torch::Tensor along_channels(const torch::Tensor& scale)
{
  return scale.dim() == 0 ? scale : scale.view({1, -1, 1, 1});
}

/// A convolution of levels, scaled once afterwards; for scales that carry no gradient.
///
/// Backward the scale is put on the weights, which are few, not on the maps, which are many.
struct scaled_convolution : torch::autograd::Function<scaled_convolution> {
  /// @param scale 0-dimensional or `[O, 1, 1, 1]`
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& w, const torch::Tensor& scale,
                               std::int64_t stride, std::int64_t padding)
  {
    context->save_for_backward({x, w, scale});
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    return at::conv2d(x, w, {}, stride, padding).mul_(along_channels(scale));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient)
  {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &w = saved[1], &scale = saved[2];
    const auto stride = context->saved_data["stride"].toInt();
    const auto padding = context->saved_data["padding"].toInt();
    const bool of_x = context->needs_input_grad(0), of_w = context->needs_input_grad(1);
    auto [gradient_x, gradient_w, none] = at::convolution_backward(
        gradient[0], x, (w * scale).to(w.scalar_type()), std::nullopt, {stride, stride},
        {padding, padding}, {1, 1}, false, {0, 0}, 1, {of_x, of_w, false});
    if (of_w) gradient_w = gradient_w * scale.to(gradient_w.scalar_type());
    return {gradient_x, gradient_w, {}, {}, {}};
  }
};

/// Zeros at the two sides of one axis.
struct margins {
  std::int64_t before;
  std::int64_t after;

  friend constexpr bool operator==(const margins&, const margins&) = default;
};

[[nodiscard]] constexpr margins same_padding(std::int64_t size, std::int64_t kernel,
                                             std::int64_t stride)
{
  const auto outputs = (size + stride - 1) / stride;
  const auto all = std::max<std::int64_t>((outputs - 1) * stride + kernel - size, 0);
  return {all / 2, all - all / 2};
}

}  // namespace detail

/// Weights `[O, I, K, K]` on `[N, I, H, W]`.
///
/// With a quantizer levels are multiplied and the sum is scaled once: while the sum of
/// |level * level| stays below 2^24 it is exact in single precision, in any order.
template<Quantizer Q>
class convolution {
 public:
  convolution(const Q& q, const planned_layer& plan, const convolution_shape& shape,
              const first_weights& start)
      : weight_{q, plan, start.of_convolution(plan.place.name, shape.out, shape.in, shape.kernel)},
        shape_{shape}
  {}

  [[nodiscard]] torch::Tensor operator()(const carried<Q>& x, phase when)
  {
    if constexpr (changes_nothing<Q>()) {
      const auto [padded, padding] = prepare(x);
      return at::conv2d(padded, weight_.latent(), {}, shape_.stride, padding);
    } else {
      const auto w = weight_(when);
      const auto [padded, padding] = prepare(levels_from_zero(x));
      const auto levels = levels_from_zero(w).to(padded.scalar_type());
      const auto scale = product_of_scales(x.scale, w.scale);
      if (!scale.defined()) return at::conv2d(padded, levels, {}, shape_.stride, padding);
      if (!scale.requires_grad())
        return detail::scaled_convolution::apply(padded, levels, scale, shape_.stride, padding);
      return at::conv2d(padded, levels, {}, shape_.stride, padding) *
             detail::along_channels(scale).to(padded.scalar_type());
    }
  }

  [[nodiscard]] layer_report report() const { return weight_.report(); }
  void cast(torch::ScalarType type) { weight_.cast(type); }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    weight_.visit_state(archive);
  }

 private:
  /// The input with what padding the convolution cannot add itself, and what it can.
  [[nodiscard]] std::pair<torch::Tensor, std::int64_t> prepare(const torch::Tensor& x) const
  {
    if (shape_.padding == padding_rule::symmetric) return {x, shape_.kernel / 2};
    const auto rows = detail::same_padding(x.size(2), shape_.kernel, shape_.stride);
    const auto columns = detail::same_padding(x.size(3), shape_.kernel, shape_.stride);
    if (rows == columns && rows.before == rows.after) return {x, rows.before};
    return {at::constant_pad_nd(x, {columns.before, columns.after, rows.before, rows.after}), 0};
  }

  quantised_weight<Q> weight_;
  convolution_shape shape_;
};

}  // namespace rolewise
