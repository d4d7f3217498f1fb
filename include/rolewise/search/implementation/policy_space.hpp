// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/policy_space.hpp>.

#include <rolewise/search/policy_space.hpp>

#include <array>

namespace rolewise::search::detail {

ROLEWISE_INLINE std::string policy_dimension(std::string_view prefix, std::size_t place)
{
  const auto pair = static_cast<std::int64_t>(place / 2);
  std::string name{prefix};
  name.append(rolewise::name(augmentation_policy::operation_of(pair)));
  return name.append(pair < policy_operations ? ".1." : ".2.")
      .append(place % 2 == 0 ? "probability" : "magnitude");
}

}  // namespace rolewise::search::detail

namespace rolewise::search {

ROLEWISE_INLINE search_space policy_space(std::string_view prefix)
{
  std::vector<dimension> dimensions;
  dimensions.reserve(detail::policy_places);
  for (std::size_t place = 0; place < detail::policy_places; ++place)
    dimensions.push_back({detail::policy_dimension(prefix, place),
                          integer_interval{0, detail::highest_level(place)}});
  return search_space{std::move(dimensions)};
}

ROLEWISE_INLINE augmentation_policy policy_at(const configuration& p, std::string_view prefix)
{
  std::array<std::int64_t, detail::policy_places> levels{};
  for (std::size_t place = 0; place < detail::policy_places; ++place)
    levels[place] = detail::level_at("policy_at", p, detail::policy_dimension(prefix, place),
                                     detail::highest_level(place));
  return augmentation_policy{levels};
}

ROLEWISE_INLINE configuration configuration_of(const augmentation_policy& policy,
                                               std::string_view prefix)
{
  configuration p;
  for (std::size_t place = 0; place < detail::policy_places; ++place)
    p.set(detail::policy_dimension(prefix, place), policy.levels()[place]);
  return p;
}

}  // namespace rolewise::search
