// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/quantization_view.hpp>.

#include <rolewise/report/quantization_view.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/histc.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace rolewise::report::detail {

ROLEWISE_INLINE both_sides sides_of(std::string_view who, const torch::Tensor& values,
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

ROLEWISE_INLINE void measure_scales(quantization_view& view, const quantized& q)
{
  if (!q.scale.defined()) return;
  const auto scale = wide_on_cpu(q.scale);
  view.scales = scale.numel();
  view.least_scale = scale.min().item<double>();
  view.greatest_scale = scale.max().item<double>();
  view.is_in_steps = view.scales > 1;
}

ROLEWISE_INLINE void measure_error(quantization_view& view, const both_sides& sides,
                                   level_size size, bool has_offset)
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

ROLEWISE_INLINE void measure_levels(quantization_view& view, const torch::Tensor& places,
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

ROLEWISE_INLINE void count_bins(quantization_view& view, const torch::Tensor& places)
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

ROLEWISE_INLINE quantization_view view_for(std::string_view who, const torch::Tensor& values,
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

}  // namespace rolewise::report::detail
