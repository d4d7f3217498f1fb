// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/detail/learned_step.hpp>.

#include <rolewise/quant/detail/learned_step.hpp>

#include <rolewise/core/autograd_function.hpp>
#include <rolewise/quant/detail/kernels/variants.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE step_codes step_codes::of(code_signs signs, bit_width bits)
{
  const auto half = std::int64_t{1} << (bits.value() - 1);
  if (signs == code_signs::unsigned_codes) return {0, 2 * half - 1};
  return {signs == code_signs::narrow_codes ? 1 - half : -half, half - 1};
}

ROLEWISE_INLINE double step_gradient_scale(at::IntArrayRef sizes, step_gradient_count counted,
                                           const step_codes& codes)
{
  std::int64_t n = 1;
  for (const auto size : sizes) n *= size;
  n = std::max<std::int64_t>(n, 1);
  if (counted == step_gradient_count::features && !sizes.empty() && sizes[0] > 0) n /= sizes[0];
  return 1.0 / std::sqrt(static_cast<double>(n) * static_cast<double>(codes.most()));
}

ROLEWISE_INLINE affine_code_map step_rule::map(const torch::Tensor& step,
                                               const torch::Tensor& offset) const
{
  const auto s = step.clamp_min(least_step);
  return {.low = s * codes.lowest,
          .high = s * codes.highest,
          .times = s.reciprocal(),
          .shift = offset,
          .zero_point = zero_point,
          .range = {codes.lowest + zero_point, codes.highest + zero_point}};
}

ROLEWISE_INLINE void step_rule::save(torch::autograd::AutogradContext& context) const
{
  context.saved_data["rule"] = std::vector<std::int64_t>{codes.lowest, codes.highest, zero_point};
  context.saved_data["gradient_scale"] = gradient_scale;
  context.saved_data["who"] = std::string{who};
}

ROLEWISE_INLINE step_rule step_rule::of(torch::autograd::AutogradContext& context,
                                        const std::string& name)
{
  const auto numbers = context.saved_data["rule"].toIntVector();
  return {.who = name,
          .codes = {numbers[0], numbers[1]},
          .zero_point = numbers[2],
          .gradient_scale = context.saved_data["gradient_scale"].toDouble()};
}

/// Autograd function of `gradient_proxy_by_learned_step`.
struct by_learned_step : torch::autograd::Function<by_learned_step> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& step,
                               const std::optional<torch::Tensor>& learned_offset,
                               const step_rule& rule, torch::Tensor* levels);

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list& gradient);
};

ROLEWISE_INLINE torch::Tensor by_learned_step::forward(
    torch::autograd::AutogradContext* context, const torch::Tensor& x, const torch::Tensor& step,
    const std::optional<torch::Tensor>& learned_offset, const step_rule& rule,
    torch::Tensor* levels)
{
  const auto offset = learned_offset.value_or(torch::Tensor{});
  context->save_for_backward({x, step, offset});
  rule.save(*context);
  *levels = codes_of(rule.who, x, rule.map(step, offset), rule.nonfinite);
  return gradient_proxy_for(x);
}

ROLEWISE_INLINE torch::autograd::variable_list by_learned_step::backward(
    torch::autograd::AutogradContext* context, torch::autograd::variable_list& gradient)
{
  const auto saved = context->get_saved_variables();
  const auto &x = saved[0], &step = saved[1], &offset = saved[2];
  const auto who = context->saved_data["who"].toStringRef();
  const auto rule = step_rule::of(*context, who);
  const auto how = offset.defined() ? backward_rule::step_and_offset : backward_rule::step;
  auto back = back_through(who, how, std::exchange(gradient[0], {}), x, rule.map(step, offset));
  torch::Tensor to_offset;
  if (offset.defined()) to_offset = scaled_for(offset, back.second, rule.gradient_scale);
  return {back.to_x, scaled_for(step, back.first, rule.gradient_scale), to_offset, {}, {}};
}

ROLEWISE_INLINE torch::Tensor sum_by_sign(const torch::Tensor& g, const torch::Tensor& w,
                                          const torch::Tensor& step)
{
  const auto rows = step.numel();
  if (at::GradMode::is_enabled() || !fits_passes(w) || w.numel() == 0 || !lies_by_rows(w, rows))
    return (at_least_single(g) * (w.ge(0).to(torch::kInt) * 2 - 1)).sum_to_size(step.sizes());
  const auto all = blocks_of(w, rows);
  const auto dense = laid_out_like(w, g);
  std::vector<double> sums(static_cast<std::size_t>(all.count()));
  const auto* const gradient = dense.const_data_ptr<float>();
  const auto* const from = w.const_data_ptr<float>();
  all.each([&](std::size_t block, std::int64_t, std::int64_t first, std::size_t count) {
    sums[block] = quant_kernels::best().signed_sum(gradient + first, from + first, count);
  });
  return in_shape_of(step, all.by_row(sums));
}

/// Autograd function of `gradient_proxy_of_signs`.
struct signs_by_learned_step : torch::autograd::Function<signs_by_learned_step> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& w,
                               const torch::Tensor& step, const step_rule& rule,
                               torch::Tensor* levels);
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradient);
};

ROLEWISE_INLINE torch::Tensor signs_by_learned_step::forward(
    torch::autograd::AutogradContext* context, const torch::Tensor& w, const torch::Tensor& step,
    const step_rule& rule, torch::Tensor* levels)
{
  context->save_for_backward({w, step});
  context->saved_data["gradient_scale"] = rule.gradient_scale;
  *levels = signs_of(rule.who, w);
  return gradient_proxy_for(w);
}

ROLEWISE_INLINE torch::autograd::variable_list signs_by_learned_step::backward(
    torch::autograd::AutogradContext* context, torch::autograd::variable_list gradient)
{
  const auto saved = context->get_saved_variables();
  const auto scale = context->saved_data["gradient_scale"].toDouble();
  return {gradient[0],
          scaled_for(saved[1], sum_by_sign(gradient[0], saved[0], saved[1]), scale),
          {},
          {}};
}

ROLEWISE_INLINE torch::Tensor gradient_proxy_by_learned_step(
    const torch::Tensor& x, const torch::Tensor& step, const std::optional<torch::Tensor>& offset,
    const step_rule& rule, torch::Tensor* levels)
{
  return by_learned_step::apply(x, step, offset, rule, levels);
}

ROLEWISE_INLINE torch::Tensor gradient_proxy_of_signs(const torch::Tensor& w,
                                                      const torch::Tensor& step,
                                                      const step_rule& rule, torch::Tensor* levels)
{
  return signs_by_learned_step::apply(w, step, rule, levels);
}

ROLEWISE_INLINE void learned_range::shape(at::IntArrayRef sizes, torch::Device device)
{
  if (started_ || (tensor_.defined() && tensor_.sizes() == sizes)) return;
  tensor_ =
      at::ones(sizes, torch::TensorOptions{torch::kFloat}.device(device)).set_requires_grad(true);
}

ROLEWISE_INLINE void learned_range::start(const torch::Tensor& value)
{
  if (tensor_.device() != value.device())
    tensor_ = tensor_.detach().to(value.device()).set_requires_grad(tensor_.requires_grad());
  assign(value);
  started_ = true;
}

ROLEWISE_INLINE bool can_start(const torch::Tensor& start)
{
  return start.numel() > 0 && start.gt(0).any().item<bool>() && start.isfinite().all().item<bool>();
}

ROLEWISE_INLINE double step_ratio(code_signs signs, std::int64_t from, bit_width to)
{
  const bit_width before{static_cast<int>(from)};
  return static_cast<double>(step_codes::of(signs, before).most()) /
         static_cast<double>(step_codes::of(signs, to).most());
}

}  // namespace rolewise::detail
