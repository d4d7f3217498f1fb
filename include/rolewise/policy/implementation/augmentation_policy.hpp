// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/policy/augmentation_policy.hpp>.

#include <rolewise/policy/augmentation_policy.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE augmentation_policy::augmentation_policy(std::span<const std::int64_t> levels)
{
  if (const auto why = objection_to_length(levels.size()); !why.empty())
    throw_invalid_argument("augmentation_policy", why);
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    if (const auto why = objection_to_level(i, levels[i]); !why.empty())
      throw_invalid_argument("augmentation_policy", why);
    levels_[i] = levels[i];
  }
}

ROLEWISE_INLINE std::string augmentation_policy::objection_to_length(std::size_t count)
{
  if (count == static_cast<std::size_t>(2 * pairs)) return {};
  return detail::classic_text("got ", count, " levels, want ", 2 * pairs,
                              ": probability and magnitude of ", pairs, " pairs");
}

ROLEWISE_INLINE std::string augmentation_policy::objection_to_level(std::size_t place,
                                                                    std::int64_t level)
{
  const bool of_probability = place % 2 == 0;
  const auto highest = of_probability ? highest_probability : highest_magnitude;
  if (level >= 0 && level <= highest) return {};
  return detail::classic_text(of_probability ? "probability" : "magnitude", " level of pair ",
                              place / 2, " (",
                              rolewise::name(operation_of(static_cast<std::int64_t>(place / 2))),
                              ") is ", level, ", want 0 .. ", highest);
}

ROLEWISE_INLINE double policy_parameter(operation what, std::int64_t level)
{
  if (level < 0 || level > 10)
    throw_invalid_argument("policy_parameter", "level is ", level, ", want 0 .. 10");
  const auto l = static_cast<double>(level);
  switch (what) {
    case operation::rotate:
      return 3.0 * l;
    case operation::translate_x:
    case operation::translate_y:
    case operation::cutout:
      return l;
    case operation::shear_x:
    case operation::shear_y:
      return l * 0.3 / 10.0;
    case operation::posterize:
      return static_cast<double>(4 - level * 4 / 10);
    case operation::solarize:
      return static_cast<double>(256 - level * 256 / 10);
    case operation::brightness:
    case operation::color:
    case operation::contrast:
    case operation::sharpness:
      return l * 1.8 / 10.0 + 0.1;
    case operation::invert:
    case operation::equalize:
    case operation::autocontrast:
    case operation::identity:
      return 0.0;
  }
  return 0.0;
}

ROLEWISE_INLINE policy_schedule::policy_schedule(std::vector<policy_segment> segments)
    : segments_{std::move(segments)}
{
  if (segments_.empty())
    throw_invalid_argument("policy_schedule", "got no segment, want at least one");
  if (segments_.front().first_epoch != 0)
    throw_invalid_argument("policy_schedule", "first segment begins at epoch ",
                           segments_.front().first_epoch, ", want 0");
  for (std::size_t i = 1; i < segments_.size(); ++i)
    if (segments_[i].first_epoch <= segments_[i - 1].first_epoch)
      throw_invalid_argument("policy_schedule", "segment ", i, " begins at epoch ",
                             segments_[i].first_epoch, ", want a later one than ",
                             segments_[i - 1].first_epoch);
}

ROLEWISE_INLINE const augmentation_policy& policy_schedule::at(std::int64_t epoch) const
{
  auto found = segments_.begin();
  for (auto next = found; next != segments_.end() && next->first_epoch <= epoch; ++next)
    found = next;
  return found->policy;
}

}  // namespace rolewise
