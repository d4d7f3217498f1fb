// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/detail/straight_through.hpp>.

#include <rolewise/quant/detail/straight_through.hpp>

#include <rolewise/quant/detail/kernels/variants.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor scale_beside(const torch::Tensor& x, double value)
{
  const auto type = x.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
  return at::full({}, value, torch::TensorOptions{}.dtype(type).device(x.device()));
}

ROLEWISE_INLINE void refuse_magnitude(std::string_view who, std::uint32_t bits,
                                      nonfinite_policy what)
{
  if (bits > quant_kernels::bits_of_infinity)
    diverge(who, what == nonfinite_policy::nan ? "an activation" : "a weight",
            " is not a number (NaN); want finite numbers");
  if (what == nonfinite_policy::nan_and_infinity && bits == quant_kernels::bits_of_infinity)
    diverge(who, "a weight is infinite; want finite numbers");
}

ROLEWISE_INLINE void refuse_unfit(std::string_view who, const torch::Tensor& x,
                                  nonfinite_policy what)
{
  if (!x.device().is_cpu()) return;
  if (x.isnan().any().item<bool>())
    refuse_magnitude(who, quant_kernels::bits_of_infinity + 1, what);
  if (what == nonfinite_policy::nan_and_infinity && x.isinf().any().item<bool>())
    refuse_magnitude(who, quant_kernels::bits_of_infinity, what);
}

ROLEWISE_INLINE void refuse_range(std::string_view who, double low, double high, double times)
{
  if (std::isfinite(low) && std::isfinite(high) && low < high && std::isfinite(times)) return;
  diverge(who, "the range to quantize is ", without_sign_of_nan(low), " .. ",
          without_sign_of_nan(high), "; want finite bounds, the second above the first",
          std::isnan(low) || std::isnan(high)
              ? " (training has diverged; a lower learning rate, of ranges above all, may help)"
              : "");
}

ROLEWISE_INLINE std::vector<float> as_floats(const torch::Tensor& x, std::size_t count)
{
  if (!x.defined()) return std::vector<float>(count, 0.0F);
  const auto dense = x.detach().to(torch::kCPU, torch::kFloat).contiguous();
  std::vector<float> values(count);
  const auto* from = dense.const_data_ptr<float>();
  for (std::size_t i = 0; i < count; ++i) values[i] = from[dense.numel() == 1 ? 0 : i];
  return values;
}

ROLEWISE_INLINE std::vector<quant_kernels::code_map> rows_of(const affine_code_map& map,
                                                             std::string_view who)
{
  const auto rows = static_cast<std::size_t>(map.times.numel());
  const auto low = as_floats(map.low, rows), high = as_floats(map.high, rows);
  const auto times = as_floats(map.times, rows), shift = as_floats(map.shift, rows);
  std::vector<quant_kernels::code_map> found(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    refuse_range(who, low[i], high[i], times[i]);
    refuse_range(who, shift[i], shift[i] + 1.0, times[i]);
    found[i] = {shift[i], low[i], high[i], times[i], static_cast<std::int32_t>(map.zero_point)};
  }
  return found;
}

ROLEWISE_INLINE torch::Tensor codes_by_tensors(const torch::Tensor& x, const affine_code_map& map)
{
  auto codes = (shifted(at_least_single(x), map).clamp(map.low, map.high) * map.times).round();
  if (map.zero_point != 0) codes = codes + map.zero_point;
  return codes.scalar_type() == x.scalar_type() || !map.fits_bytes() ? codes
                                                                     : codes.to(x.scalar_type());
}

ROLEWISE_INLINE torch::Tensor codes_of(std::string_view who, const torch::Tensor& x,
                                       const affine_code_map& map, nonfinite_policy what)
{
  if (x.numel() > 0 &&
      (!fits_passes(x) || !map.fits_bytes() || !lies_by_rows(x, map.times.numel()))) {
    refuse_unfit(who, x, what);
    return codes_by_tensors(x, map);
  }
  const auto type = map.fits_unsigned() ? torch::kByte : torch::kChar;
  auto codes = at::empty_like(x, x.options().dtype(type).requires_grad(false));
  if (x.numel() == 0) return codes;
  const auto rows = rows_of(map, who);
  const auto* const from = x.const_data_ptr<float>();
  auto* const to = static_cast<std::uint8_t*>(codes.mutable_data_ptr());
  const auto& passes = quant_kernels::best();
  refuse_magnitude(
      who,
      largest_of_blocks(blocks_of(x, map.times.numel()),
                        [&](std::size_t, std::int64_t row, std::int64_t first, std::size_t count) {
                          return passes.codes(from + first, count,
                                              rows[static_cast<std::size_t>(row)], to + first);
                        }),
      what);
  return codes;
}

ROLEWISE_INLINE gradients_back back_by_tensors(backward_rule how, const torch::Tensor& gradient,
                                               const torch::Tensor& x, const affine_code_map& map)
{
  const auto g = at_least_single(gradient), y = shifted(at_least_single(x), map);
  const bool from_low = how != backward_rule::step && how != backward_rule::step_and_offset;
  const auto above_low = from_low ? y.ge(map.low) : y.gt(map.low);
  const auto inside =
      above_low.logical_and(how == backward_rule::closed ? y.le(map.high) : y.lt(map.high));
  gradients_back found;
  found.to_x = (g * inside).to(gradient.scalar_type());
  if (how == backward_rule::closed) return found;
  if (how == backward_rule::clip_only) {
    found.first = (g * y.ge(map.high)).sum_to_size(map.times.sizes());
    return found;
  }
  const auto z = y * map.times;
  const auto codes = (y.clamp(map.low, map.high) * map.times).detach().round();
  found.first = (g * (codes - z * inside)).sum_to_size(map.times.sizes());
  if (how == backward_rule::step_and_offset)
    found.second = (g * inside.logical_not()).sum_to_size(map.times.sizes());
  return found;
}

ROLEWISE_INLINE gradients_back back_by_passes(std::string_view who, backward_rule how,
                                              const torch::Tensor& gradient, const torch::Tensor& x,
                                              const affine_code_map& map)
{
  const auto all = blocks_of(x, map.times.numel());
  const auto rows = rows_of(map, who);
  std::vector<double> first(static_cast<std::size_t>(all.count())), second = first;
  gradients_back found;
  found.to_x = place_for_gradient(gradient);
  const auto* const g = gradient.const_data_ptr<float>();
  const auto* const from = x.const_data_ptr<float>();
  auto* const to = found.to_x.mutable_data_ptr<float>();
  const auto& passes = quant_kernels::best();
  all.each([&](std::size_t block, std::int64_t row, std::int64_t start, std::size_t count) {
    const auto sums = passes.back(how, g + start, from + start, count,
                                  rows[static_cast<std::size_t>(row)], to + start);
    first[block] = sums.first;
    second[block] = sums.second;
  });
  if (how != backward_rule::closed) found.first = in_shape_of(map.times, all.by_row(first));
  if (how == backward_rule::step_and_offset)
    found.second = in_shape_of(map.times, all.by_row(second));
  return found;
}

ROLEWISE_INLINE gradients_back back_through(std::string_view who, backward_rule how,
                                            torch::Tensor&& gradient, const torch::Tensor& x,
                                            const affine_code_map& map)
{
  if (x.numel() == 0)
    return {std::move(gradient), at::zeros_like(map.times), at::zeros_like(map.times)};
  if (at::GradMode::is_enabled() || !fits_passes(x) || !lies_by_rows(x, map.times.numel()))
    return back_by_tensors(how, gradient, x, map);
  if (const auto dense = laid_out_like(x, gradient); !dense.is_same(gradient))
    return back_by_passes(who, how, dense, x, map);
  return back_by_passes(who, how, gradient, x, map);
}

}  // namespace rolewise::detail
