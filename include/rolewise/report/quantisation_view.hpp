// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What few bits made of one tensor, in numbers.

#include <rolewise/core/error.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/quantised.hpp>
#include <rolewise/report/detail/levels_found.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace rolewise {

/// Where levels are put among the values.
enum class level_size {
  as_they_are,
  /// Multiplied by `quantisation_view::gain`: for weights whose size a quantizer drops because
  /// batch norm follows, as DoReFa's, which lie in [-1, 1] however small they were.
  fitted,
  /// Fitted if the gain is below 1/2. Rounding to the nearest of levels one of which is 0 never has
  /// such a gain, since then no value is less than half of its level; clipping makes it greater.
  by_gain
};

/// A tensor before and after it was quantised.
///
/// Where each channel has a scale of its own, positions (`low`, `high`, `levels`) are those of
/// values divided by the scale of their channel (less the offset): one step is 1 then
/// (`is_in_steps`). Else they are those of the values.
struct quantisation_view {
  bit_width bits{32};
  std::int64_t values = 0;  ///< how many
  std::int64_t zeros = 0;   ///< of them exactly 0, before

  /// How many values lie in each of as many equal intervals of [`low`, `high`]; the last one holds
  /// `high` too.
  std::vector<std::int64_t> bins;
  double low = 0.0;
  double high = 1.0;
  std::int64_t below = 0;  ///< values below `low`
  std::int64_t above = 0;  ///< values above `high`

  /// Levels in rising order with the number of values on each: all that there are if the quantizer
  /// says where they lie (`quantised::range`) and they are equally spaced, else those in use. None
  /// if there are more than 256.
  std::vector<level_use> levels;
  std::int64_t used = 0;      ///< levels with a value on them; of the channel that has most if each
                              ///< has its own and they are more than `possible`
  std::int64_t possible = 0;  ///< levels that there are: 2^bits, or fewer if the quantizer says so

  /// Values that lie beyond the lowest or the highest level by more than half of the step next to
  /// it, so that rounding alone would not have moved them there. Of fitted levels it is known only
  /// if all levels are listed, else 0.
  std::int64_t clipped_below = 0;
  std::int64_t clipped_above = 0;

  double error = 0.0;  ///< mean (x - q)^2 / variance of x; NaN for values that are all alike
  /// The factor g that makes mean (x - g q)^2 least, and that error relative to the variance.
  double gain = 1.0;
  double fitted_error = 0.0;
  bool is_fitted = false;  ///< whether positions of levels are multiplied by `gain`

  std::int64_t scales = 0;  ///< how many: 0 if there are none, 1, or one for each channel
  double least_scale = 1.0;
  double greatest_scale = 1.0;
  bool is_in_steps = false;  ///< more than one scale: positions are counted in steps

  /// Share of the values that is clipped, in [0, 1].
  [[nodiscard]] double clipped() const
  {
    return static_cast<double>(clipped_below + clipped_above) / static_cast<double>(values);
  }
  /// Share of the values that is exactly 0.
  [[nodiscard]] double zero_share() const
  {
    return static_cast<double>(zeros) / static_cast<double>(values);
  }
};

namespace detail {

/// Both sides of a quantizer on the CPU in double precision, which adds up millions of squares.
struct both_sides {
  torch::Tensor before;  ///< as it was
  torch::Tensor after;   ///< values of the levels
  torch::Tensor places;  ///< before, in the unit in which levels are shown
};

[[nodiscard]] inline torch::Tensor wide_on_cpu(const torch::Tensor& x)
{
  return x.detach().to(torch::kCPU, torch::kDouble);
}

[[nodiscard]] inline both_sides sides_of(std::string_view who, const torch::Tensor& values,
                                         const quantised& q, bool in_steps)
{
  if (!q.levels.defined() || values.sizes() != q.levels.sizes())
    refuse(who, "want levels of the shape of the values, ", values.sizes(), ", got ",
           q.levels.defined() ? detail::classic_text(q.levels.sizes()) : "none");
  if (values.numel() == 0) refuse(who, "the tensor has no values, shape ", values.sizes());
  both_sides sides{wide_on_cpu(values), wide_on_cpu(q.values()), {}};
  if (!sides.before.isfinite().all().item<bool>())
    fail(who, "values are not all finite numbers before they are quantised");
  if (!sides.after.isfinite().all().item<bool>())
    fail(who, "values are not all finite numbers after they are quantised");
  sides.places = sides.before;
  if (in_steps) {
    const auto scale = wide_on_cpu(q.scale);
    if (q.offset.defined()) sides.places = sides.places - wide_on_cpu(q.offset);
    sides.places = sides.places / scale.masked_fill(scale.eq(0), 1);
  }
  return sides;
}

inline void measure_scales(quantisation_view& view, const quantised& q)
{
  if (!q.scale.defined()) return;
  const auto scale = wide_on_cpu(q.scale);
  view.scales = scale.numel();
  view.least_scale = scale.min().item<double>();
  view.greatest_scale = scale.max().item<double>();
  view.is_in_steps = view.scales > 1;
}

inline void measure_error(quantisation_view& view, const both_sides& sides, level_size size,
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

inline void measure_levels(quantisation_view& view, const torch::Tensor& places,
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

/// From the lowest level or the value below which 1/1000 of them lie, whichever is lower, to the
/// same at the other end. Between those values 2 n^(1/3) intervals (Rice's rule), to the levels as
/// many more of that width; 8 to 120 together.
inline void count_bins(quantisation_view& view, const torch::Tensor& places)
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

/// @param who begins what is thrown
[[nodiscard]] inline quantisation_view view_for(std::string_view who, const torch::Tensor& values,
                                                const quantised& q, bit_width bits, level_size size)
{
  if (bits.is_full()) refuse(who, "want fewer than 32 bits, got full precision");
  const torch::NoGradGuard without_graph;
  quantisation_view view{.bits = bits, .bins = {}, .levels = {}};
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

/// Looks at a tensor and what a quantizer made of it. Neither changes.
/// @param values any shape, floating point, on any device
/// @param q as many levels
/// @param bits of the levels, fewer than 32
/// @param size whether levels may be put where the values are
/// @par Determinism
/// A function of the arguments.
/// @throws std::invalid_argument for 32 bits, no values, or another number of levels
/// @throws std::runtime_error if values are not finite
[[nodiscard]] inline quantisation_view quantisation_view_of(
    const torch::Tensor& values, const quantised& q, bit_width bits,
    level_size size = level_size::as_they_are)
{
  return detail::view_for("quantisation_view", values, q, bits, size);
}

}  // namespace rolewise
