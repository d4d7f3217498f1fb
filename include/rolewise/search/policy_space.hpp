// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Augmentation policies of 30 pairs as configurations of a search space.

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/search/configuration.hpp>
#include <rolewise/search/detail/configuration_values.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

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
[[nodiscard]] ROLEWISE_INLINE std::string policy_dimension(std::string_view prefix,
                                                           std::size_t place);

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
[[nodiscard]] ROLEWISE_INLINE search_space policy_space(std::string_view prefix = {});

/// The policy at a configuration of `policy_space(prefix)`. Other names in the configuration are
/// ignored.
/// @throws std::invalid_argument for a value that is missing, no integer or out of range
[[nodiscard]] ROLEWISE_INLINE augmentation_policy policy_at(const configuration& p,
                                                            std::string_view prefix = {});

/// The configuration of `policy_space(prefix)` for a policy, the inverse of `policy_at`.
[[nodiscard]] ROLEWISE_INLINE configuration configuration_of(const augmentation_policy& policy,
                                                             std::string_view prefix = {});

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/policy_space.hpp>
#endif
