// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/dorefa_gradients.hpp>.

#include <rolewise/quant/dorefa_gradients.hpp>

#include <rolewise/core/autograd_function.hpp>
#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor quantized_gradient(const torch::Tensor& d, bit_width bits,
                                                 const torch::Tensor& noise)
{
  if (bits.is_full() || d.numel() == 0) return d;
  const double n = std::exp2(bits.value()) - 1.0;
  const auto x = d.scalar_type() == torch::kDouble ? d : d.to(torch::kFloat);
  std::vector<std::int64_t> shape(static_cast<std::size_t>(d.dim()), 1);
  shape[0] = d.size(0);
  const auto twice = x.abs().flatten(1).amax(1).mul_(2).view(shape);
  auto u = (x / twice.masked_fill(twice.eq(0), 1)).add_(0.5);
  if (noise.defined()) u.add_(noise / n);
  return u.clamp_(0, 1).mul_(n).round_().div_(n).sub_(0.5).mul_(twice).to(d.scalar_type());
}

}  // namespace rolewise

namespace rolewise::detail {

/// Autograd function: the identity, with a quantized gradient.
struct quantize_gradient : torch::autograd::Function<quantize_gradient> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& y,
                               const element_draws& draws, bit_width bits, bool noise);

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient);
};

ROLEWISE_INLINE torch::Tensor quantize_gradient::forward(torch::autograd::AutogradContext* context,
                                                         const torch::Tensor& y,
                                                         const element_draws& draws, bit_width bits,
                                                         bool noise)
{
  context->saved_data["key"] = static_cast<std::int64_t>(draws.key().value);
  context->saved_data["step"] = draws.step();
  context->saved_data["bits"] = std::int64_t{bits.value()};
  context->saved_data["noise"] = noise;
  return y.view_as(y);
}

ROLEWISE_INLINE torch::autograd::variable_list quantize_gradient::backward(
    torch::autograd::AutogradContext* context, torch::autograd::variable_list gradient)
{
  auto& saved = context->saved_data;
  torch::Tensor noise;
  if (saved["noise"].toBool())
    noise = uniform_for_elements(seed{static_cast<std::uint64_t>(saved["key"].toInt())},
                                 saved["step"].toInt(), gradient[0])
                .sub_(0.5);
  const bit_width bits{static_cast<int>(saved["bits"].toInt())};
  return {quantized_gradient(gradient[0], bits, noise), {}, {}, {}};
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE torch::Tensor dorefa_gradients::gradients::operator()(const torch::Tensor& y)
{
  if (bits_.is_full()) return y;
  draws_.advance();
  if (!at::GradMode::is_enabled() || !y.requires_grad()) return y;
  return detail::quantize_gradient::apply(y, draws_, bits_, noise_);
}

}  // namespace rolewise
