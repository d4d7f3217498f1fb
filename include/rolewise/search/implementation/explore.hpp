// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/explore.hpp>.

#include <rolewise/search/explore.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>
#include <limits>
#include <variant>

namespace rolewise::search::detail {

ROLEWISE_INLINE void require_sound(const exploration& how)
{
  const auto is_factor = [](double x) { return std::isfinite(x) && x > 0.0; };
  if (how.longest_step < 0 || how.longest_step >= std::numeric_limits<std::uint32_t>::max())
    throw_invalid_argument("explore", "longest_step is ", how.longest_step, ", want 0 .. 2^32 - 2");
  if (!is_factor(how.raised) || !is_factor(how.lowered))
    throw_invalid_argument("explore", "want factors above 0, got raised ", how.raised,
                           " and lowered ", how.lowered);
}

ROLEWISE_INLINE configuration::value moved(const integer_interval& r,
                                           const configuration::value& from, const draws& drawn,
                                           const exploration& how)
{
  const auto x = std::get<std::int64_t>(from);
  const auto step = drawn.below(2, how.longest_step + 1);
  return drawn.coin(3) ? x - std::min(step, x - r.low) : x + std::min(step, r.high - x);
}

ROLEWISE_INLINE configuration::value moved(const real_interval& r, const configuration::value& from,
                                           const draws& drawn, const exploration& how)
{
  const double x = std::get<double>(from);
  double to = x;
  if (r.measure == spacing::logarithmic) {
    to = x * (drawn.coin(3) ? how.lowered : how.raised);
  } else {
    const double share = drawn.uniform(2) * how.longest_share.value();
    const double step = share * r.high - share * r.low;
    to = drawn.coin(3) ? x - step : x + step;
  }
  return std::clamp(to, r.low, r.high);
}

}  // namespace rolewise::search::detail

namespace rolewise::search {

ROLEWISE_INLINE configuration explore(const search_space& space, const configuration& at, seed key,
                                      const exploration& how)
{
  detail::require_sound(how);
  require_inside("explore", space, at);
  const auto anew = space.sample(key);
  configuration near;
  for (std::size_t i = 0; i < space.dimensions().size(); ++i) {
    const auto& d = space.dimensions()[i];
    const draws drawn{key.split(purpose{d.name}), 0, 0};
    const auto& from = *at.find(d.name);
    near.set(d.name,
             drawn.uniform(1) < how.resample.value()
                 ? anew.values()[i].second
                 : std::visit([&](const auto& r) { return detail::moved(r, from, drawn, how); },
                              d.range));
  }
  return near;
}

}  // namespace rolewise::search
