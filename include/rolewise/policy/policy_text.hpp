// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// JSON of augmentation policies and schedules, with operations by name.

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/detail/read_policy_json.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rolewise {

namespace detail {

/// Appends the pairs of a policy that are not 0, 0, one per line. If the second pair of an
/// operation is written, so is its first, even if it is 0, 0: readers assign pairs by order of
/// occurrence.
ROLEWISE_INLINE void add_operations(std::string& text, const augmentation_policy& policy,
                                    const std::string& indent);

[[nodiscard]] ROLEWISE_INLINE std::string document_head(std::string_view kind);

}  // namespace detail

/// Formats a policy as JSON, with operations by name:
///
///     {"rolewise": "policy", "version": 1, "operations": [
///       {"operation": "Rotate", "probability": 3, "magnitude": 5}]}
///
/// Numbers are levels: probabilities 0 .. 10, magnitudes 0 .. 9. An operation may occur twice,
/// for its two pairs, in their order; a missing pair is 0, 0.
[[nodiscard]] ROLEWISE_INLINE std::string json_text(const augmentation_policy& policy);

/// Formats a schedule as JSON, with `"segments": [{"first_epoch": 0, "operations": [...]}, ...]`
/// in place of a policy's operations.
[[nodiscard]] ROLEWISE_INLINE std::string json_text(const policy_schedule& schedule);

/// Parses a policy in the format of `json_text`.
///
/// Members may come in any order, each once. Missing, unknown or out-of-range members are errors.
/// @param source name of the text in error messages
/// @throws std::runtime_error `rolewise: <source>:<line>:<column>: found ..., want ...`; for an
///         unknown operation with a suggestion
[[nodiscard]] ROLEWISE_INLINE augmentation_policy parse_policy(std::string_view text,
                                                               std::string_view source = "policy");

/// Parses a schedule in the format of `json_text`; a policy is accepted as a schedule too.
/// Otherwise as `parse_policy`.
[[nodiscard]] ROLEWISE_INLINE policy_schedule
parse_policy_schedule(std::string_view text, std::string_view source = "policy schedule");

/// Whether a text is such a JSON document, rather than a log (`parse_policy_log`): whether it
/// begins with `{`, after white space and a byte order mark.
[[nodiscard]] ROLEWISE_INLINE bool is_policy_document(std::string_view text);

/// `parse_policy` of a file. @throws std::runtime_error that names it
[[nodiscard]] inline augmentation_policy read_policy(const std::string& path)
{
  return parse_policy(support::text_of_file(path), path);
}
/// `parse_policy_schedule` of a file. @throws std::runtime_error that names it
[[nodiscard]] inline policy_schedule read_policy_schedule(const std::string& path)
{
  return parse_policy_schedule(support::text_of_file(path), path);
}

/// Writes `json_text` to a file atomically: an existing file stays until the new one is complete.
/// @throws std::runtime_error if the file cannot be written
inline void write_policy(const std::string& path, const augmentation_policy& policy)
{
  support::write_file_atomically(path, json_text(policy));
}
/// As `write_policy`, for a schedule.
inline void write_policy_schedule(const std::string& path, const policy_schedule& schedule)
{
  support::write_file_atomically(path, json_text(schedule));
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/policy/implementation/policy_text.hpp>
#endif
