// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Suggestions for a misspelled name, by edit distance.

#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::support {

/// Levenshtein distance: the insertions, deletions and replacements that turn one word into the
/// other; ignores case.
[[nodiscard]] ROLEWISE_INLINE std::size_t edit_distance(std::string_view a, std::string_view b);

/// Returns the names with the smallest edit distance, as `a, b or c`: at most `count` of them,
/// the nearest first, ties in their order in `known`.
[[nodiscard]] ROLEWISE_INLINE std::string nearest_names(std::string_view wanted,
                                                        const std::vector<std::string>& known,
                                                        std::size_t count = 3);

}  // namespace rolewise::support

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/nearest_names.hpp>
#endif
