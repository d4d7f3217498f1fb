// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checked access to the values of a configuration: present, of the right type and in range.

#include <rolewise/policy/operation.hpp>
#include <rolewise/policy/operation_by_name.hpp>
#include <rolewise/search/configuration.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::search::detail {

/// The integer in 0 .. highest stored under `name`.
/// @throws std::invalid_argument that begins with `who` if there is none
[[nodiscard]] ROLEWISE_INLINE std::int64_t level_at(std::string_view who, const configuration& p,
                                                    const std::string& name, std::int64_t highest);

/// The operation that the choice stored under `name` names.
/// @throws std::invalid_argument that begins with `who` if there is none
[[nodiscard]] ROLEWISE_INLINE operation operation_at(std::string_view who, const configuration& p,
                                                     const std::string& name);

/// A choice over the names of all policy operations, in the order of a policy vector.
[[nodiscard]] ROLEWISE_INLINE choice_of any_operation();

}  // namespace rolewise::search::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/detail/implementation/configuration_values.hpp>
#endif
