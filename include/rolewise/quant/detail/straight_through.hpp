// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Clip and round with a straight-through gradient, shared by uniform quantizers: by kernels
/// where they apply, else by tensor operations.

#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/detail/run_passes.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/support/error.hpp>

#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::detail {

using quant_kernels::backward_rule;

/// The map of a uniform quantizer: `code = round(clip(x - shift, low, high) * times)`, half to
/// even. Bounds and factor are 0-dimensional or have one entry per index of the first axis;
/// `shift` is 0-dimensional, undefined is 0.
struct affine_code_map {
  torch::Tensor low, high, times, shift;
  std::int64_t zero_point = 0;
  level_range range;  ///< of codes, with the zero point added

  [[nodiscard]] bool fits_unsigned() const { return range.lowest >= 0 && range.highest <= 255; }
  [[nodiscard]] bool fits_signed() const { return range.lowest >= -128 && range.highest <= 127; }
  [[nodiscard]] bool fits_bytes() const { return fits_unsigned() || fits_signed(); }
};

/// Values that a tensor must not contain: activations of any magnitude are clipped, weights must
/// be finite.
enum class nonfinite_policy { nan, nan_and_infinity };

[[nodiscard]] inline double intervals(bit_width bits) { return std::exp2(bits.value()) - 1.0; }

/// A 0-dimensional scale on the device of x, in at least single precision: 1/3 in bfloat16 is off
/// by 0.2 %.
[[nodiscard]] inline torch::Tensor scale_beside(const torch::Tensor& x, double value)
{
  const auto type = x.scalar_type() == torch::kDouble ? torch::kDouble : torch::kFloat;
  return at::full({}, value, torch::TensorOptions{}.dtype(type).device(x.device()));
}

/// x in at least single precision.
[[nodiscard]] inline torch::Tensor at_least_single(const torch::Tensor& x)
{
  return c10::isReducedFloatingType(x.scalar_type()) ? x.to(torch::kFloat) : x;
}

inline void refuse_magnitude(std::string_view who, std::uint32_t bits, nonfinite_policy what)
{
  if (bits > quant_kernels::bits_of_infinity)
    diverge(who, what == nonfinite_policy::nan ? "an activation" : "a weight",
            " is not a number (NaN); want finite numbers");
  if (what == nonfinite_policy::nan_and_infinity && bits == quant_kernels::bits_of_infinity)
    diverge(who, "a weight is infinite; want finite numbers");
}

/// Throws for refused non-finite values (`nonfinite_policy`) of a tensor that kernels do not take.
/// On other devices than the CPU the check would synchronize with the device; there such values
/// propagate to the levels.
inline void refuse_unfit(std::string_view who, const torch::Tensor& x, nonfinite_policy what)
{
  if (!x.device().is_cpu()) return;
  if (x.isnan().any().item<bool>())
    refuse_magnitude(who, quant_kernels::bits_of_infinity + 1, what);
  if (what == nonfinite_policy::nan_and_infinity && x.isinf().any().item<bool>())
    refuse_magnitude(who, quant_kernels::bits_of_infinity, what);
}

inline void refuse_range(std::string_view who, double low, double high, double times)
{
  if (std::isfinite(low) && std::isfinite(high) && low < high && std::isfinite(times)) return;
  diverge(who, "the range to quantize is ", without_sign_of_nan(low), " .. ",
          without_sign_of_nan(high), "; want finite bounds, the second above the first");
}

[[nodiscard]] inline std::vector<float> as_floats(const torch::Tensor& x, std::size_t count)
{
  if (!x.defined()) return std::vector<float>(count, 0.0F);
  const auto dense = x.detach().to(torch::kCPU, torch::kFloat).contiguous();
  std::vector<float> values(count);
  const auto* from = dense.const_data_ptr<float>();
  for (std::size_t i = 0; i < count; ++i) values[i] = from[dense.numel() == 1 ? 0 : i];
  return values;
}

/// The code map of each row, for kernels.
[[nodiscard]] inline std::vector<quant_kernels::code_map> rows_of(const affine_code_map& map,
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

[[nodiscard]] inline torch::Tensor shifted(const torch::Tensor& x, const affine_code_map& map)
{
  return map.shift.defined() ? x - map.shift : x;
}

/// Codes by tensor operations; in the type of x if it can hold them, else in single precision.
[[nodiscard]] inline torch::Tensor codes_by_tensors(const torch::Tensor& x,
                                                    const affine_code_map& map)
{
  auto codes = (shifted(at_least_single(x), map).clamp(map.low, map.high) * map.times).round();
  if (map.zero_point != 0) codes = codes + map.zero_point;
  return codes.scalar_type() == x.scalar_type() || !map.fits_bytes() ? codes
                                                                     : codes.to(x.scalar_type());
}

/// Codes of x: uint8 or int8 where they fit and kernels take x, else floating point.
[[nodiscard]] inline torch::Tensor codes_of(std::string_view who, const torch::Tensor& x,
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

/// Gradients from the backward pass of a quantizer: of x, and the sums of `backward_rule` in the
/// shape of the map.
struct gradients_back {
  torch::Tensor to_x;
  torch::Tensor first;
  torch::Tensor second;
};

/// The backward pass by tensor operations, which can be differentiated again.
[[nodiscard]] inline gradients_back back_by_tensors(backward_rule how,
                                                    const torch::Tensor& gradient,
                                                    const torch::Tensor& x,
                                                    const affine_code_map& map)
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

[[nodiscard]] inline torch::Tensor in_shape_of(const torch::Tensor& like,
                                               const std::vector<double>& sums)
{
  return at::tensor(sums, torch::kDouble).view(like.sizes());
}

[[nodiscard]] inline gradients_back back_by_passes(std::string_view who, backward_rule how,
                                                   const torch::Tensor& gradient,
                                                   const torch::Tensor& x,
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

/// The backward pass, by kernels where they apply, else by tensor operations.
/// @param gradient of the values, passed with ownership: its memory is reused if there is no
///        other reference to it
[[nodiscard]] inline gradients_back back_through(std::string_view who, backward_rule how,
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
