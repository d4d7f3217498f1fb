// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/fused_batch_norm.hpp>.

#include <rolewise/network/detail/fused_batch_norm.hpp>

#include <rolewise/core/autograd_function.hpp>

#include <array>
#include <cmath>
#include <limits>

namespace rolewise::detail {

ROLEWISE_INLINE norm_kernels::addend norm_work::added() const
{
  auto all = addend;
  if (!beside.defined()) return all;
  if (beside.scalar_type() == torch::kByte)
    all.bytes = beside.const_data_ptr<std::uint8_t>();
  else
    all.numbers = beside.const_data_ptr<float>();
  return all;
}

/// Autograd function of `fused_batch_norm_of`.
struct fused_batch_norm : torch::autograd::Function<fused_batch_norm> {
  using optional_tensor = std::optional<torch::Tensor>;

  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, const torch::Tensor& bias,
                               const optional_tensor& beside, const optional_tensor& step,
                               const norm_work& work, torch::Tensor* codes);

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list& gradient);

 private:
  struct kept_work : torch::CustomClassHolder {
    explicit kept_work(norm_work all) : work{std::move(all)} {}
    norm_work work;
  };

  [[nodiscard]] static torch::Tensor in_channels(const std::vector<double>& numbers);

  /// The options of the backward kernels; open bounds move to the next representable number
  /// inside.
  [[nodiscard]] static norm_backward_rule way_of(const norm_work& work);

  [[nodiscard]] static torch::autograd::variable_list by_passes(torch::Tensor&& incoming,
                                                                const torch::Tensor& x,
                                                                const norm_work& work,
                                                                bool is_added);

  /// The backward pass by tensor operations, for double backward.
  [[nodiscard]] static torch::autograd::variable_list by_tensors(
      const torch::Tensor& gradient, const torch::Tensor& x, const torch::Tensor& weight,
      const torch::Tensor& bias, const norm_work& work, bool is_added);
};

ROLEWISE_INLINE torch::Tensor fused_batch_norm::forward(
    torch::autograd::AutogradContext* context, const torch::Tensor& x, const torch::Tensor& weight,
    const torch::Tensor& bias, const optional_tensor& beside, const optional_tensor& step,
    const norm_work& work, torch::Tensor* codes)
{
  const auto of = [](const optional_tensor& t) { return t.value_or(torch::Tensor{}); };
  const bool is_added = beside.has_value() && beside->defined();
  // The backward pass recomputes the gradient mask; without a mask it does not need the addend.
  torch::Tensor again;
  if (work.holds_back())
    again = is_added && work.beside.scalar_type() == torch::kFloat ? *beside : work.beside;
  context->save_for_backward({x, weight, bias, of(step), again});
  auto held = c10::make_intrusive<kept_work>(work);
  held->work.beside = torch::Tensor{};  // saved above
  context->saved_data["work"] = c10::IValue::make_capsule(std::move(held));
  context->saved_data["is_added"] = is_added;
  if (!work.steps) return normalize(x, work.lines, work.added(), work.is_rectified);

  const auto& who = work.steps->rule.who;
  const auto map = work.steps->map();
  auto made = normalize_to_codes(x, work.lines, work.added(), rows_of(map, who).front(),
                                 map.fits_unsigned() ? torch::kByte : torch::kChar);
  refuse_magnitude(who, made.largest_bits, nonfinite_policy::nan);
  *codes = std::move(made.codes);
  return gradient_proxy_for(x);
}

ROLEWISE_INLINE torch::autograd::variable_list fused_batch_norm::backward(
    torch::autograd::AutogradContext* context, torch::autograd::variable_list& gradient)
{
  const auto saved = context->get_saved_variables();
  const auto held = context->saved_data["work"].toCapsule();
  auto work = static_cast<const kept_work&>(*held).work;
  work.beside = saved[4];
  const bool is_added = context->saved_data["is_added"].toBool();
  if (work.steps) work.steps->step = saved[3];
  auto back = at::GradMode::is_enabled()
                  ? by_tensors(gradient[0], saved[0], saved[1], saved[2], work, is_added)
                  : by_passes(std::exchange(gradient[0], {}), saved[0], work, is_added);
  back.resize(7);
  return back;
}

ROLEWISE_INLINE torch::Tensor fused_batch_norm::in_channels(const std::vector<double>& numbers)
{
  auto result = at::empty({static_cast<std::int64_t>(numbers.size())}, torch::kFloat);
  auto* const to = result.mutable_data_ptr<float>();
  for (std::size_t c = 0; c < numbers.size(); ++c) to[c] = static_cast<float>(numbers[c]);
  return result;
}

ROLEWISE_INLINE norm_backward_rule fused_batch_norm::way_of(const norm_work& work)
{
  if (!work.steps)
    return {.low = work.is_rectified ? std::numeric_limits<float>::denorm_min()
                                     : -std::numeric_limits<float>::infinity()};
  const auto& steps = *work.steps;
  const auto map = rows_of(steps.map(), steps.rule.who).front();
  norm_backward_rule way{map.low, map.high, steps.how != backward_rule::closed, map};
  constexpr float infinity = std::numeric_limits<float>::infinity();
  if (steps.how == backward_rule::step) way.low = std::nextafter(map.low, infinity);
  if (steps.how != backward_rule::closed) way.high = std::nextafter(map.high, -infinity);
  return way;
}

ROLEWISE_INLINE torch::autograd::variable_list fused_batch_norm::by_passes(torch::Tensor&& incoming,
                                                                           const torch::Tensor& x,
                                                                           const norm_work& work,
                                                                           bool is_added)
{
  auto g = laid_out_like(x, incoming);
  incoming.reset();
  torch::Tensor passed;
  if (is_added && work.holds_back()) passed = place_for_gradient(g);
  const auto to_x = is_added ? at::empty_like(g) : place_for_gradient(g);
  const auto found = norm_backward(g, x, work.lines, work.added(), way_of(work), passed, to_x);
  torch::Tensor to_step;
  if (work.steps && work.steps->step.defined())
    to_step = work.steps->gradient_of_step(at::full({}, found.of_error, torch::kDouble));
  torch::Tensor to_beside;
  if (is_added) to_beside = passed.defined() ? passed : g;
  return {to_x, in_channels(found.of_factor), in_channels(found.of_shift), to_beside, to_step};
}

ROLEWISE_INLINE torch::autograd::variable_list fused_batch_norm::by_tensors(
    const torch::Tensor& gradient, const torch::Tensor& x, const torch::Tensor& weight,
    const torch::Tensor& bias, const norm_work& work, bool is_added)
{
  constexpr std::array<std::int64_t, 3> axes{0, 2, 3};
  const auto along = [](const torch::Tensor& t) { return t.view({1, -1, 1, 1}); };
  const auto mean = x.mean(axes, true), apart = x - mean;
  const auto inverse = (apart.square().mean(axes, true) + work.epsilon).rsqrt();
  const auto z = apart * inverse;
  auto g = gradient;
  torch::Tensor to_step;
  if (work.holds_back()) {
    auto y = z * along(weight) + along(bias);
    if (work.beside.defined()) {
      auto beside = work.beside;
      if (beside.scalar_type() != torch::kFloat)
        beside =
            (beside.to(torch::kFloat) - work.addend.zero) * work.addend.scale + work.addend.offset;
      y = y + beside;
    }
    if (!work.steps) {
      g = g * (y > 0);
    } else {
      const auto back = back_by_tensors(work.steps->how, g, y, work.steps->map());
      g = back.to_x;
      if (work.steps->step.defined()) to_step = work.steps->gradient_of_step(back.first);
    }
  }
  const auto of_shift = g.mean(axes, true), of_factor = (g * z).mean(axes, true);
  const auto count = static_cast<double>(x.numel() / x.size(1));
  return {(g - of_shift - z * of_factor) * inverse * along(weight), of_factor.flatten() * count,
          of_shift.flatten() * count, is_added ? g : torch::Tensor{}, to_step};
}

ROLEWISE_INLINE torch::Tensor fused_batch_norm_of(const torch::Tensor& x,
                                                  const torch::Tensor& weight,
                                                  const torch::Tensor& bias,
                                                  const std::optional<torch::Tensor>& beside,
                                                  const std::optional<torch::Tensor>& step,
                                                  const norm_work& work, torch::Tensor* codes)
{
  return fused_batch_norm::apply(x, weight, bias, beside, step, work, codes);
}

}  // namespace rolewise::detail
