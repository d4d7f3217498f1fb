// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Augmentation policies of 30 pairs as configurations of a search space.

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/search/configuration.hpp>
#include <rolewise/search/detail/configuration_values.hpp>
#include <rolewise/search/space.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::search {

namespace detail {

/// The dimension name of place 0 .. 59 of a policy vector: `Rotate.1.probability`,
/// `Rotate.1.magnitude`, ..., `Contrast.2.magnitude`.
[[nodiscard]] inline std::string policy_dimension(std::string_view prefix, std::size_t place)
{
  const auto pair = static_cast<std::int64_t>(place / 2);
  std::string name{prefix};
  name.append(rolewise::name(augmentation_policy::operation_of(pair)));
  return name.append(pair < policy_operations ? ".1." : ".2.")
      .append(place % 2 == 0 ? "probability" : "magnitude");
}

[[nodiscard]] constexpr std::int64_t highest_level(std::size_t place) noexcept
{
  return place % 2 == 0 ? augmentation_policy::highest_probability
                        : augmentation_policy::highest_magnitude;
}

inline constexpr std::size_t policy_places = 2 * augmentation_policy::pairs;

}  // namespace detail

/// The search space of Population Based Augmentation: 60 integers, probability levels 0 .. 10 and
/// magnitude levels 0 .. 9, in the order of a policy vector. For `Rotate` they are named
/// `Rotate.1.probability`, `Rotate.1.magnitude` and, of its second pair, `Rotate.2.probability`,
/// `Rotate.2.magnitude`.
///
/// @param prefix of every name, so that one space can hold a policy for each role:
///        `policy_space("student.")`
/// @par Source
/// Ho, Liang, Stoica, Abbeel, Chen: Population Based Augmentation, 2019, arXiv 1905.05393,
/// section 3.
[[nodiscard]] inline search_space policy_space(std::string_view prefix = {})
{
  std::vector<dimension> dimensions;
  dimensions.reserve(detail::policy_places);
  for (std::size_t place = 0; place < detail::policy_places; ++place)
    dimensions.push_back({detail::policy_dimension(prefix, place),
                          integer_interval{0, detail::highest_level(place)}});
  return search_space{std::move(dimensions)};
}

/// The policy at a configuration of `policy_space(prefix)`. Other names in the configuration are
/// ignored.
/// @throws std::invalid_argument for a value that is missing, no integer or out of range
[[nodiscard]] inline augmentation_policy policy_at(const configuration& p,
                                                   std::string_view prefix = {})
{
  std::array<std::int64_t, detail::policy_places> levels{};
  for (std::size_t place = 0; place < detail::policy_places; ++place)
    levels[place] = detail::level_at("policy_at", p, detail::policy_dimension(prefix, place),
                                     detail::highest_level(place));
  return augmentation_policy{levels};
}

/// The configuration of `policy_space(prefix)` for a policy, the inverse of `policy_at`.
[[nodiscard]] inline configuration configuration_of(const augmentation_policy& policy,
                                                    std::string_view prefix = {})
{
  configuration p;
  for (std::size_t place = 0; place < detail::policy_places; ++place)
    p.set(detail::policy_dimension(prefix, place), policy.levels()[place]);
  return p;
}

}  // namespace rolewise::search
