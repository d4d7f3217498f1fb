// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/policy/sub_policy.hpp>.

#include <rolewise/policy/sub_policy.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>

namespace rolewise {

namespace detail {

inline std::int64_t nearest_level(double share, std::int64_t highest)
{
  if (std::isnan(share))
    throw_invalid_argument("sub_policy",
                           "want a probability or magnitude in [0, 1], got NaN, as of ",
                           "a policy whose search diverged");
  return std::llround(static_cast<double>(highest) * std::clamp(share, 0.0, 1.0));
}

}  // namespace detail

ROLEWISE_INLINE std::int64_t nearest_magnitude_level(double share)
{
  return detail::nearest_level(share, augmentation_policy::highest_magnitude);
}

ROLEWISE_INLINE std::int64_t nearest_probability_level(double share)
{
  return detail::nearest_level(share, augmentation_policy::highest_probability);
}

ROLEWISE_INLINE std::ostream& operator<<(std::ostream& out, const std::vector<sub_policy>& policy)
{
  const char* separator = "";
  for (const auto& one : policy) {
    out << separator << one;
    separator = "\n";
  }
  return out;
}

ROLEWISE_INLINE std::string objection_to_levels(const sub_policy::step& of, std::size_t place)
{
  const auto objection = [&](const char* kind, std::int64_t level, std::int64_t highest) {
    return detail::classic_text(kind, " level of ", rolewise::name(of.what), " in sub-policy ",
                                place, " is ", level, ", want 0 .. ", highest);
  };
  constexpr auto probable = augmentation_policy::highest_probability;
  constexpr auto strong = augmentation_policy::highest_magnitude;
  if (of.probability < 0 || of.probability > probable)
    return objection("probability", of.probability, probable);
  if (of.magnitude < 0 || of.magnitude > strong)
    return objection("magnitude", of.magnitude, strong);
  return {};
}

ROLEWISE_INLINE double auto_augment_parameter(operation what, std::int64_t level,
                                              std::int64_t height, std::int64_t width,
                                              auto_augment_scale scale)
{
  if (level < 0 || level > augmentation_policy::highest_magnitude)
    throw_invalid_argument("auto_augment_parameter", "level is ", level, ", want 0 .. 9");
  const bool even = scale == auto_augment_scale::even;
  const auto moved = [&](std::int64_t side) {
    return static_cast<double>(even ? 150 * side * level / (331 * 9) : side * level / 32);
  };
  if (what == operation::translate_x) return moved(width);
  if (what == operation::translate_y) return moved(height);
  if (!even) return policy_parameter(what, level);

  const auto l = static_cast<double>(level);
  if (is_enhancer(what)) return 1.0 + 0.1 * l;
  switch (what) {
    case operation::rotate:
      return 30.0 * l / 9.0;
    case operation::shear_x:
    case operation::shear_y:
      return 0.3 * l / 9.0;
    case operation::posterize:
      return static_cast<double>(8 - (8 * level + 9) / 18);
    case operation::solarize:
      return static_cast<double>((255 * (9 - level) + 8) / 9);
    case operation::cutout:
      return static_cast<double>(30 * (height < width ? height : width) * level / (331 * 9));
    default:
      return 0.0;
  }
}

}  // namespace rolewise
