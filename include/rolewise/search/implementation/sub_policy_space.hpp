// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/sub_policy_space.hpp>.

#include <rolewise/search/sub_policy_space.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::search::detail {

ROLEWISE_INLINE sub_policy::step step_at(const configuration& p, const std::string& prefix)
{
  constexpr std::string_view who = "sub_policies_at";
  return {operation_at(who, p, prefix + "operation"),
          level_at(who, p, prefix + "probability", augmentation_policy::highest_probability),
          level_at(who, p, prefix + "magnitude", augmentation_policy::highest_magnitude)};
}

}  // namespace rolewise::search::detail

namespace rolewise::search {

ROLEWISE_INLINE search_space sub_policy_space(std::int64_t count, std::string_view prefix)
{
  detail::require_sub_policies("sub_policy_space", count);
  std::vector<dimension> dimensions;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
    for (const bool is_first : {true, false}) {
      const auto begin = detail::step_prefix(prefix, i, is_first);
      dimensions.push_back({begin + "operation", detail::any_operation()});
      dimensions.push_back(
          {begin + "probability", integer_interval{0, augmentation_policy::highest_probability}});
      dimensions.push_back(
          {begin + "magnitude", integer_interval{0, augmentation_policy::highest_magnitude}});
    }
  return search_space{std::move(dimensions)};
}

ROLEWISE_INLINE std::vector<sub_policy> sub_policies_at(const configuration& p, std::int64_t count,
                                                        std::string_view prefix)
{
  detail::require_sub_policies("sub_policies_at", count);
  std::vector<sub_policy> policy;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
    policy.push_back({detail::step_at(p, detail::step_prefix(prefix, i, true)),
                      detail::step_at(p, detail::step_prefix(prefix, i, false))});
  return policy;
}

ROLEWISE_INLINE configuration configuration_of(const std::vector<sub_policy>& policy,
                                               std::string_view prefix)
{
  if (policy.empty())
    throw_invalid_argument("configuration_of", "got no sub-policy, want at least one");
  configuration p;
  for (std::size_t i = 0; i < policy.size(); ++i)
    for (const bool is_first : {true, false}) {
      const auto& step = is_first ? policy[i].first : policy[i].second;
      if (const auto why = objection_to_levels(step, i); !why.empty())
        throw_invalid_argument("configuration_of", why);
      const auto spelled = name(step.what);
      if (!find_operation(spelled))
        throw_invalid_argument(
            "configuration_of", "sub-policy ", i, " has the operation ", spelled,
            ", which the space lacks; any other at probability 0 does nothing either");
      const auto begin = detail::step_prefix(prefix, i, is_first);
      p.set(begin + "operation", std::string{spelled});
      p.set(begin + "probability", step.probability);
      p.set(begin + "magnitude", step.magnitude);
    }
  return p;
}

}  // namespace rolewise::search
