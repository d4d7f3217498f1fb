// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/space.hpp>.

#include <rolewise/search/space.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>
#include <limits>

namespace rolewise::search {

ROLEWISE_INLINE double real_interval::at(double share) const
{
  if (share <= 0.0) return low;
  if (share >= 1.0) return high;
  const double x = measure == spacing::linear
                       ? low * (1.0 - share) + high * share
                       : std::exp(std::log(low) * (1.0 - share) + std::log(high) * share);
  return std::clamp(x, low, high);
}

ROLEWISE_INLINE search_space::search_space(std::vector<dimension> dimensions)
    : dimensions_{std::move(dimensions)}
{
  for (auto d = dimensions_.begin(); d != dimensions_.end(); ++d) {
    if (d->name.empty()) throw_invalid_argument("search_space", "a dimension has no name");
    if (std::any_of(dimensions_.begin(), d, [&](const auto& e) { return e.name == d->name; }))
      throw_invalid_argument("search_space", "two dimensions are named '", d->name, "'");
    std::visit([&](const auto& range) { require_sound(d->name, range); }, d->range);
  }
}

ROLEWISE_INLINE configuration search_space::sample(seed key) const
{
  configuration drawn;
  for (const auto& d : dimensions_) {
    const draws of_dimension{key.split(purpose{d.name}), 0, 0};
    drawn.set(d.name,
              std::visit([&](const auto& r) { return value_in(r, of_dimension); }, d.range));
  }
  return drawn;
}

ROLEWISE_INLINE bool search_space::contains(const configuration& p) const
{
  return p.values().size() == dimensions_.size() &&
         std::all_of(dimensions_.begin(), dimensions_.end(), [&](const dimension& d) {
           const auto* x = p.find(d.name);
           return x != nullptr &&
                  std::visit([&](const auto& range) { return is_in(range, *x); }, d.range);
         });
}

ROLEWISE_INLINE void search_space::require_sound(const std::string& name, const real_interval& r)
{
  if (!(std::isfinite(r.low) && std::isfinite(r.high) && r.low <= r.high))
    throw_invalid_argument("search_space", "'", name, "' wants finite low <= high, got ", r.low,
                           " and ", r.high);
  if (r.measure == spacing::logarithmic && r.low <= 0.0)
    throw_invalid_argument("search_space", "'", name, "' is logarithmic and wants low > 0, got ",
                           r.low);
}

ROLEWISE_INLINE void search_space::require_sound(const std::string& name, const integer_interval& r)
{
  if (r.low > r.high)
    throw_invalid_argument("search_space", "'", name, "' wants low <= high, got ", r.low, " and ",
                           r.high);
  const auto width = static_cast<std::uint64_t>(r.high) - static_cast<std::uint64_t>(r.low);
  if (width >= std::numeric_limits<std::uint32_t>::max())
    throw_invalid_argument("search_space", "'", name, "' wants fewer than 2^32 integers, got ",
                           r.low, " to ", r.high);
}

ROLEWISE_INLINE void search_space::require_sound(const std::string& name, const choice_of& r)
{
  if (r.names.empty())
    throw_invalid_argument("search_space", "'", name, "' has nothing to choose from");
  auto sorted = r.names;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twin = std::adjacent_find(sorted.begin(), sorted.end()); twin != sorted.end())
    throw_invalid_argument("search_space", "'", name, "' names '", *twin, "' twice");
}

ROLEWISE_INLINE configuration::value search_space::value_in(const choice_of& r, const draws& from)
{
  const auto place = from.below(0, static_cast<std::int64_t>(r.names.size()));
  return r.names[static_cast<std::size_t>(place)];
}

ROLEWISE_INLINE bool search_space::is_in(const real_interval& r, const configuration::value& x)
{
  const auto* real = std::get_if<double>(&x);
  return real != nullptr && r.low <= *real && *real <= r.high;
}

ROLEWISE_INLINE bool search_space::is_in(const integer_interval& r, const configuration::value& x)
{
  const auto* integer = std::get_if<std::int64_t>(&x);
  return integer != nullptr && r.low <= *integer && *integer <= r.high;
}

ROLEWISE_INLINE bool search_space::is_in(const choice_of& r, const configuration::value& x)
{
  const auto* name = std::get_if<std::string>(&x);
  return name != nullptr && std::find(r.names.begin(), r.names.end(), *name) != r.names.end();
}

}  // namespace rolewise::search
