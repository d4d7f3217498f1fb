// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Quantization statistics of one tensor: histogram, levels, clipping, error.

#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/report/detail/levels_found.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/histc.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace rolewise::report {

/// How positions of levels are scaled relative to the values.
enum class level_size {
  as_they_are,
  /// Multiplied by `quantization_view::gain`: for weights whose size a quantizer drops because
  /// batch norm follows, such as DoReFa's, which are in [-1, 1] however small they were.
  fitted,
  /// `fitted` if the gain is below 1/2. Rounding to nearest with a level at 0 never has such a
  /// gain, since no value is less than half of its level; clipping increases the gain.
  by_gain
};

/// Statistics of a tensor and its quantized form.
///
/// With a scale per channel, positions (`low`, `high`, `levels`) are those of values minus the
/// offset, divided by the scale of their channel: one step is 1 (`is_in_steps`). Otherwise they
/// are those of the values.
struct quantization_view {
  bit_width bits{32};
  std::int64_t values = 0;  ///< number of values
  std::int64_t zeros = 0;   ///< values that are exactly 0 before quantization

  /// Histogram: number of values in each of several equal intervals of [`low`, `high`]; the last
  /// one includes `high`.
  std::vector<std::int64_t> bins;
  double low = 0.0;
  double high = 1.0;
  std::int64_t below = 0;  ///< values below `low`
  std::int64_t above = 0;  ///< values above `high`

  /// Levels in ascending order with their number of values: all levels if the quantizer gives
  /// their range (`quantized::range`) and they are equally spaced, otherwise those in use. Empty
  /// if there are more than 256.
  std::vector<level_use> levels;
  std::int64_t used = 0;      ///< levels in use; the maximum over channels if channels have their
                              ///< own levels and together use more than `possible`
  std::int64_t possible = 0;  ///< number of levels: 2^bits, or fewer if the quantizer gives fewer

  /// Clipped values: those beyond the lowest or the highest level by more than half of the
  /// adjacent step, which rounding alone cannot cause. Known for fitted levels only if all levels
  /// are listed, otherwise 0.
  std::int64_t clipped_below = 0;
  std::int64_t clipped_above = 0;

  double error = 0.0;  ///< mean (x - q)^2 / variance of x; NaN if all values are equal
  /// The factor g that minimizes mean (x - g q)^2, and that error relative to the variance.
  double gain = 1.0;
  double fitted_error = 0.0;
  bool is_fitted = false;  ///< whether positions of levels are multiplied by `gain`

  std::int64_t scales = 0;  ///< number of scales: 0, 1, or one for each channel
  double least_scale = 1.0;
  double greatest_scale = 1.0;
  bool is_in_steps = false;  ///< more than one scale: positions are in steps

  /// Share of the values that are clipped, in [0, 1].
  [[nodiscard]] double clipped() const
  {
    return static_cast<double>(clipped_below + clipped_above) / static_cast<double>(values);
  }
  /// Share of the values that are exactly 0.
  [[nodiscard]] double zero_share() const
  {
    return static_cast<double>(zeros) / static_cast<double>(values);
  }
};

namespace detail {

/// Input and output of a quantizer on the CPU, in double precision for sums of millions of
/// squares.
struct both_sides {
  torch::Tensor before;  ///< values before quantization
  torch::Tensor after;   ///< values after quantization
  torch::Tensor places;  ///< `before`, in the unit of the positions of levels
};

[[nodiscard]] inline torch::Tensor wide_on_cpu(const torch::Tensor& x)
{
  return x.detach().to(torch::kCPU, torch::kDouble);
}

[[nodiscard]] inline both_sides sides_of(std::string_view who, const torch::Tensor& values,
                                         const quantized& q, bool in_steps)
{
  if (!q.levels.defined() || values.sizes() != q.levels.sizes())
    throw_invalid_argument(who, "want levels of the shape of the values, ", values.sizes(),
                           ", got ",
                           q.levels.defined() ? detail::classic_text(q.levels.sizes()) : "none");
  if (values.numel() == 0)
    throw_invalid_argument(who, "the tensor has no values, shape ", values.sizes());
  both_sides sides{wide_on_cpu(values), wide_on_cpu(q.values()), {}};
  if (!sides.before.isfinite().all().item<bool>())
    throw_runtime_error(who, "values are not all finite numbers before they are quantized");
  if (!sides.after.isfinite().all().item<bool>())
    throw_runtime_error(who, "values are not all finite numbers after they are quantized");
  sides.places = sides.before;
  if (in_steps) {
    const auto scale = wide_on_cpu(q.scale);
    if (q.offset.defined()) sides.places = sides.places - wide_on_cpu(q.offset);
    sides.places = sides.places / scale.masked_fill(scale.eq(0), 1);
  }
  return sides;
}

inline void measure_scales(quantization_view& view, const quantized& q)
{
  if (!q.scale.defined()) return;
  const auto scale = wide_on_cpu(q.scale);
  view.scales = scale.numel();
  view.least_scale = scale.min().item<double>();
  view.greatest_scale = scale.max().item<double>();
  view.is_in_steps = view.scales > 1;
}

inline void measure_error(quantization_view& view, const both_sides& sides, level_size size,
                          bool has_offset)
{
  const auto& [x, q, places] = sides;
  const auto mean_square = [](const torch::Tensor& of) {
    return of.square().mean().item<double>();
  };
  const double variance = mean_square(x - x.mean()), power = mean_square(q);
  const auto relative = [&](double square) {
    return variance > 0.0 ? square / variance : std::numeric_limits<double>::quiet_NaN();
  };
  view.gain = power > 0.0 ? (x * q).mean().item<double>() / power : 1.0;
  view.error = relative(mean_square(x - q));
  view.fitted_error = relative(mean_square(x - q * view.gain));
  // An offset is no multiple of a step, so positions in steps would not follow the gain.
  const bool is_far = size == level_size::by_gain && view.gain < 0.5;
  view.is_fitted = (size == level_size::fitted || is_far) && view.gain > 0.0 &&
                   !(view.is_in_steps && has_offset);
}

inline void measure_levels(quantization_view& view, const torch::Tensor& places,
                           const levels_found& found, double step)
{
  constexpr std::size_t most_shown = 256;
  view.used = found.used;
  view.possible = found.possible;
  const auto& all = found.levels;
  const auto last = all.size() - 1;
  view.low = all[0].at;
  view.high = all[last].at;
  if (all.size() <= most_shown) view.levels = all;
  if (view.is_fitted && !found.is_complete) return;
  const double lower = last > 0 ? all[1].at - all[0].at : step;
  const double upper = last > 0 ? all[last].at - all[last - 1].at : step;
  view.clipped_below = places.lt(all[0].at - lower / 2).sum().item<std::int64_t>();
  view.clipped_above = places.gt(all[last].at + upper / 2).sum().item<std::int64_t>();
}

/// Histogram over the range from the lowest level or the 1/1000 quantile of the values, whichever
/// is lower, to the same at the upper end. It has 2 n^(1/3) intervals (Rice's rule) between the
/// quantiles, and intervals of the same width up to the levels; 8 to 120 in all.
inline void count_bins(quantization_view& view, const torch::Tensor& places)
{
  const auto flat = places.flatten();
  const auto aside = view.values / 1000;
  const auto from = std::get<0>(flat.kthvalue(1 + aside)).item<double>();
  const auto to = std::get<0>(flat.kthvalue(view.values - aside)).item<double>();
  view.low = std::min(view.low, from);
  view.high = std::max(view.high, to);
  if (!(view.low < view.high)) {
    const double room = std::max(0.5 * std::abs(view.low), 1e-6);
    view.low -= room;
    view.high += room;
  }
  constexpr double least = 8.0, most = 120.0;
  const double rule = 2.0 * std::cbrt(static_cast<double>(view.values));
  const double wanted = from < to ? rule * (view.high - view.low) / (to - from) : least;
  const auto count = std::llround(std::clamp(wanted, least, most));
  const auto bins = at::histc(flat, count, view.low, view.high).to(torch::kLong);
  const auto* each = bins.const_data_ptr<std::int64_t>();
  view.bins.assign(each, each + count);
  view.below = flat.lt(view.low).sum().item<std::int64_t>();
  view.above = flat.gt(view.high).sum().item<std::int64_t>();
}

/// @param who prefix of error messages
[[nodiscard]] inline quantization_view view_for(std::string_view who, const torch::Tensor& values,
                                                const quantized& q, bit_width bits, level_size size)
{
  if (bits.is_full()) throw_invalid_argument(who, "want fewer than 32 bits, got full precision");
  const torch::NoGradGuard without_graph;
  quantization_view view{.bits = bits, .bins = {}, .levels = {}};
  measure_scales(view, q);
  const auto sides = sides_of(who, values, q, view.is_in_steps);
  view.values = values.numel();
  view.zeros = sides.before.eq(0).sum().item<std::int64_t>();
  measure_error(view, sides, size, q.offset.defined());
  const double factor = view.is_fitted ? view.gain : 1.0;
  const double step = view.scales == 1 ? view.greatest_scale : q.is_integer ? 1.0 : 0.0;
  measure_levels(view, sides.places, levels_in(q, bits, view.is_in_steps, factor), step * factor);
  count_bins(view, sides.places);
  return view;
}

}  // namespace detail

/// Computes the statistics of a tensor and its quantized form. Neither changes.
/// @param values any shape, floating point, on any device
/// @param q quantized form, of the same shape
/// @param bits of the levels, fewer than 32
/// @param size how positions of levels are scaled
/// @par Determinism
/// A function of the arguments.
/// @throws std::invalid_argument for 32 bits, no values, or levels of another shape
/// @throws std::runtime_error if values are not finite
[[nodiscard]] inline quantization_view quantization_view_of(
    const torch::Tensor& values, const quantized& q, bit_width bits,
    level_size size = level_size::as_they_are)
{
  return detail::view_for("quantization_view", values, q, bits, size);
}

}  // namespace rolewise::report
