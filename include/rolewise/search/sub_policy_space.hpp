// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// AutoAugment policies (lists of sub-policies) as configurations of a search space.

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/policy/operation_by_name.hpp>
#include <rolewise/policy/sub_policy.hpp>
#include <rolewise/search/configuration.hpp>
#include <rolewise/search/detail/configuration_values.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/error.hpp>
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

/// The prefix of the names of a step's dimensions: `3.first.`, `3.second.`.
[[nodiscard]] inline std::string step_prefix(std::string_view prefix, std::size_t place,
                                             bool is_first)
{
  return std::string{prefix} + std::to_string(place) + (is_first ? ".first." : ".second.");
}

[[nodiscard]] ROLEWISE_INLINE sub_policy::step step_at(const configuration& p,
                                                       const std::string& prefix);

inline void require_sub_policies(std::string_view who, std::int64_t count)
{
  if (count < 1) throw_invalid_argument(who, "want at least one sub-policy, got ", count);
}

}  // namespace detail

/// The search space of AutoAugment policies with `count` sub-policies. Each has a first and a
/// second operation: one of the 15 by name, a probability level 0 .. 10 and a magnitude level
/// 0 .. 9. The dimensions of sub-policy 3 are named `3.first.operation`, `3.first.probability`,
/// `3.first.magnitude`, `3.second.operation`, ...; the first sub-policy is number 0.
///
/// @param count of sub-policies, at least 1; the paper searches for 5 and concatenates the best 5
///        policies
/// @param prefix of every name
/// @throws std::invalid_argument for a count below 1
/// @par Source
/// Cubuk, Zoph, Mané, Vasudevan, Le: AutoAugment: learning augmentation policies from data, 2018,
/// arXiv 1805.09501, section 3.
/// @par Departs
/// The paper has a 16th operation, which pairs samples; here agents that mix do that (`mixup`).
[[nodiscard]] ROLEWISE_INLINE search_space sub_policy_space(std::int64_t count = 5,
                                                            std::string_view prefix = {});

/// The sub-policies at a configuration of `sub_policy_space(count, prefix)`. Other names in the
/// configuration are ignored.
/// @throws std::invalid_argument for a value that is missing, of another type or out of range,
///         with a suggestion for an unknown operation; for a count below 1
[[nodiscard]] ROLEWISE_INLINE std::vector<sub_policy> sub_policies_at(const configuration& p,
                                                                      std::int64_t count = 5,
                                                                      std::string_view prefix = {});

/// The configuration of `sub_policy_space(policy.size(), prefix)` for a policy, the inverse of
/// `sub_policies_at`.
/// @throws std::invalid_argument for no sub-policy, for an operation that the space lacks
///         (`identity`) and for levels out of range
[[nodiscard]] ROLEWISE_INLINE configuration configuration_of(const std::vector<sub_policy>& policy,
                                                             std::string_view prefix = {});

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/sub_policy_space.hpp>
#endif
