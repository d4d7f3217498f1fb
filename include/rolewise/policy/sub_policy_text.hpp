// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// JSON of AutoAugment policies (lists of sub-policies), with operations by name.

#include <rolewise/policy/detail/read_policy_json.hpp>
#include <rolewise/policy/detail/read_sub_policy_json.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/policy/policy_text.hpp>
#include <rolewise/policy/sub_policy.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/literal_reader.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise {

namespace detail {

ROLEWISE_INLINE void add_step(std::string& text, const sub_policy::step& step);

}  // namespace detail

/// Formats sub-policies as JSON, two operations in each, by name:
///
///     {"rolewise": "sub-policies", "version": 1, "sub_policies": [
///       [{"operation": "Rotate", "probability": 7, "magnitude": 2},
///        {"operation": "TranslateX", "probability": 3, "magnitude": 9}]]}
///
/// Numbers are levels: probabilities 0 .. 10, magnitudes 0 .. 9. The meaning of a magnitude level
/// is a setting of the agent (`auto_augment::scale`) and is not written.
/// @throws std::invalid_argument for no sub-policy or for levels out of range
[[nodiscard]] ROLEWISE_INLINE std::string json_text(const std::vector<sub_policy>& policy);

/// Parses sub-policies in the format of `json_text`.
///
/// Members may come in any order, each once. Missing, unknown or out-of-range members are errors.
/// @param source name of the text in error messages
/// @throws std::runtime_error `rolewise: <source>:<line>:<column>: found ..., want ...`; for an
///         unknown operation with a suggestion
[[nodiscard]] ROLEWISE_INLINE std::vector<sub_policy> parse_sub_policies(
    std::string_view text, std::string_view source = "sub-policies");

/// `parse_sub_policies` of a file. @throws std::runtime_error that names it
[[nodiscard]] inline std::vector<sub_policy> read_sub_policies(const std::string& path)
{
  return parse_sub_policies(support::text_of_file(path), path);
}

/// Writes `json_text` to a file atomically: an existing file stays until the new one is complete.
/// @throws std::invalid_argument as `json_text`
/// @throws std::runtime_error if the file cannot be written
inline void write_sub_policies(const std::string& path, const std::vector<sub_policy>& policy)
{
  support::write_file_atomically(path, json_text(policy));
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/policy/implementation/sub_policy_text.hpp>
#endif
