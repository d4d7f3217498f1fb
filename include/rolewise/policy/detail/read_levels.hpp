// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Parsers for trials, iterations and policies in the logs of a search.

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/literal_reader.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rolewise::detail {

/// Reads a trial: digits in quotes.
[[nodiscard]] ROLEWISE_INLINE std::int64_t read_trial(literal_reader& in);

[[nodiscard]] ROLEWISE_INLINE std::int64_t read_iteration(literal_reader& in);

/// Reads a list of 60 levels.
[[nodiscard]] ROLEWISE_INLINE augmentation_policy read_levels(literal_reader& in);

/// Reads a policy: a bare list, or a dictionary that has the list as `hp_policy`.
[[nodiscard]] ROLEWISE_INLINE augmentation_policy read_configuration(literal_reader& in);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/policy/detail/implementation/read_levels.hpp>
#endif
