// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/detail/through_tanh.hpp>.

#include <rolewise/quant/detail/through_tanh.hpp>

#include <rolewise/core/autograd_function.hpp>
#include <rolewise/quant/detail/kernels/variants.hpp>

#include <algorithm>

namespace rolewise::detail {

ROLEWISE_INLINE quant_kernels::tanh_map tanh_weights::map(double times) const
{
  return {magnitude() <= static_cast<double>(quant_kernels::small_tanh), static_cast<float>(times)};
}

ROLEWISE_INLINE torch::Tensor tanh_codes_by_passes(const torch::Tensor& w, std::int32_t n,
                                                   const tanh_weights& known)
{
  if (known.is_tiny()) return tanh_codes_by_passes(w * tiny_times, n, known.larger());
  const bool bytes = n < 128;
  auto codes = at::empty_like(
      w, w.options().dtype(bytes ? torch::kChar : torch::kFloat).requires_grad(false));
  const auto map = known.map(n / (2.0 * known.maximum()));
  const auto* const from = w.const_data_ptr<float>();
  void* const to = codes.mutable_data_ptr();
  const auto& passes = quant_kernels::best();
  blocks_of(w).each([&](std::size_t, std::int64_t, std::int64_t first, std::size_t count) {
    if (bytes)
      passes.tanh_bytes(from + first, count, map, n, static_cast<std::int8_t*>(to) + first);
    else
      passes.tanh_floats(from + first, count, map, n, static_cast<float*>(to) + first);
  });
  return codes;
}

ROLEWISE_INLINE torch::Tensor tanh_codes_by_tensors(const torch::Tensor& weights, double n)
{
  const auto w = at_least_single(weights);
  const auto codes = ((w.tanh() / (2 * tanh_maximum(w.abs().amax())) + 0.5) * n).round();
  return codes * 2 - n;
}

ROLEWISE_INLINE torch::Tensor tanh_back_by_tensors(const torch::Tensor& gradient,
                                                   const torch::Tensor& weights, bool exact)
{
  const auto g = at_least_single(gradient), w = at_least_single(weights), t = w.tanh();
  const auto size = w.abs(), largest = size.amax(), m = tanh_maximum(largest);
  const auto growth = m.clamp_min(least_maximum).reciprocal();
  auto back = g * (1 - t * t) * growth;
  if (exact) {
    const auto is_largest = size.eq(largest);
    const auto share = w.sign() * is_largest / is_largest.sum();
    // m^2 would underflow long before m.
    back = back - share * ((1 - m * m) * growth * (g * (t / m)).sum());
  }
  return back.to(weights.scalar_type());
}

ROLEWISE_INLINE void add_part_of_maximum(const blocks& all, const std::vector<char>& holds_largest,
                                         const torch::Tensor& w, const tanh_weights& known,
                                         double sum, float* to)
{
  const auto* const from = w.const_data_ptr<float>();
  std::vector<std::int64_t> places;
  for (std::size_t block = 0; block < holds_largest.size(); ++block) {
    if (holds_largest[block] == 0) continue;
    const auto first = static_cast<std::int64_t>(block) * blocks::longest;
    for (auto i = first; i < std::min(first + blocks::longest, all.row); ++i)
      if ((std::bit_cast<std::uint32_t>(from[i]) & 0x7FFFFFFFU) == known.largest)
        places.push_back(i);
  }
  const double m = known.maximum(), root = std::cosh(known.magnitude());
  const double part = sum / (root * root * m * m * static_cast<double>(places.size()));
  for (const auto i : places)
    to[i] = static_cast<float>(static_cast<double>(to[i]) - (from[i] < 0 ? -part : part));
}

ROLEWISE_INLINE torch::Tensor tanh_back_by_passes(const torch::Tensor& gradient,
                                                  const torch::Tensor& w, const tanh_weights& known)
{
  if (known.is_tiny()) {
    const auto larger = known.larger();
    return tanh_back_by_passes(gradient, w * tiny_times, larger)
        .mul_(larger.maximum() / least_maximum);
  }
  const auto all = blocks_of(w);
  std::vector<double> sums(static_cast<std::size_t>(all.count()));
  std::vector<char> holds_largest(sums.size());
  auto back = place_for_gradient(gradient);
  const auto map = known.map(1.0 / known.maximum());
  const auto* const g = gradient.const_data_ptr<float>();
  const auto* const from = w.const_data_ptr<float>();
  auto* const to = back.mutable_data_ptr<float>();
  const auto& passes = quant_kernels::best();
  all.each([&](std::size_t block, std::int64_t, std::int64_t first, std::size_t count) {
    holds_largest[block] = passes.tanh_back(g + first, from + first, count, map, known.largest,
                                            to + first, &sums[block])
                               ? 1
                               : 0;
  });
  if (known.exact && known.largest != 0)
    add_part_of_maximum(all, holds_largest, w, known, all.by_row(sums)[0], to);
  return back;
}

/// Autograd function of `gradient_proxy_through_tanh`.
struct through_tanh : torch::autograd::Function<through_tanh> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& w,
                               double n, bool exact, torch::Tensor* levels);

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list& gradient);
};

ROLEWISE_INLINE torch::Tensor through_tanh::forward(torch::autograd::AutogradContext* context,
                                                    const torch::Tensor& w, double n, bool exact,
                                                    torch::Tensor* levels)
{
  context->save_for_backward({w});
  context->saved_data["exact"] = exact;
  if (fits_passes(w) && w.numel() > 0 && n < 256) {
    tanh_weights known{.exact = exact};
    const auto* const from = w.const_data_ptr<float>();
    known.largest = largest_of_blocks(
        blocks_of(w), [&](std::size_t, std::int64_t, std::int64_t first, std::size_t count) {
          return quant_kernels::best().largest(from + first, count);
        });
    refuse_magnitude("dorefa", known.largest, nonfinite_policy::nan_and_infinity);
    *levels = tanh_codes_by_passes(w, static_cast<std::int32_t>(n), known);
    context->saved_data["largest"] = static_cast<std::int64_t>(known.largest);
  } else {
    refuse_unfit("dorefa", w, nonfinite_policy::nan_and_infinity);
    *levels = w.numel() == 0 ? at::zeros_like(w) : tanh_codes_by_tensors(w, n);
  }
  return gradient_proxy_for(w);
}

ROLEWISE_INLINE torch::autograd::variable_list through_tanh::backward(
    torch::autograd::AutogradContext* context, torch::autograd::variable_list& gradient)
{
  const auto w = context->get_saved_variables()[0];
  const bool exact = context->saved_data["exact"].toBool();
  auto g = std::exchange(gradient[0], {});
  const auto found = context->saved_data.find("largest");
  if (w.numel() == 0) return {g, {}, {}, {}};
  if (at::GradMode::is_enabled() || found == context->saved_data.end())
    return {tanh_back_by_tensors(g, w, exact), {}, {}, {}};
  const tanh_weights known{static_cast<std::uint32_t>(found->second.toInt()), exact};
  if (const auto dense = laid_out_like(w, g); !dense.is_same(g))
    return {tanh_back_by_passes(dense, w, known), {}, {}, {}};
  return {tanh_back_by_passes(g, w, known), {}, {}, {}};
}

ROLEWISE_INLINE torch::Tensor gradient_proxy_through_tanh(const torch::Tensor& w, double n,
                                                          bool exact, torch::Tensor* levels)
{
  return through_tanh::apply(w, n, exact, levels);
}

ROLEWISE_INLINE torch::Tensor signs_of(std::string_view who, const torch::Tensor& x)
{
  if (!fits_passes(x) || x.numel() == 0) {
    refuse_unfit(who, x, nonfinite_policy::nan_and_infinity);
    // x - x is NaN where x is not finite.
    return x.ge(0).to(x.scalar_type()).mul_(2).sub_(1).add_(x - x);
  }
  auto codes = at::empty_like(x, x.options().dtype(torch::kChar).requires_grad(false));
  const auto* const from = x.const_data_ptr<float>();
  auto* const to = codes.mutable_data_ptr<std::int8_t>();
  refuse_magnitude(
      who,
      largest_of_blocks(blocks_of(x),
                        [&](std::size_t, std::int64_t, std::int64_t first, std::size_t count) {
                          return quant_kernels::best().signs(from + first, count, to + first);
                        }),
      nonfinite_policy::nan_and_infinity);
  return codes;
}

ROLEWISE_INLINE torch::Tensor mean_magnitude(const torch::Tensor& x)
{
  if (x.numel() == 0) return scale_beside(x, 0);
  if (!fits_passes(x)) return at_least_single(x.detach()).abs().mean();
  const auto all = blocks_of(x);
  std::vector<double> sums(static_cast<std::size_t>(all.count()));
  const auto* const from = x.const_data_ptr<float>();
  all.each([&](std::size_t block, std::int64_t, std::int64_t first, std::size_t count) {
    (void)quant_kernels::best().magnitudes(from + first, count, &sums[block]);
  });
  return scale_beside(x, all.by_row(sums)[0] / static_cast<double>(x.numel()));
}

}  // namespace rolewise::detail
