// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// JSON of augmentation policies and schedules, with operations by name.

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/detail/read_policy_json.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/support/file.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rolewise {

namespace detail {

/// Appends the pairs of a policy that are not 0, 0, one per line. If the second pair of an
/// operation is written, so is its first, even if it is 0, 0: readers assign pairs by order of
/// occurrence.
inline void add_operations(std::string& text, const augmentation_policy& policy,
                           const std::string& indent)
{
  const auto is_zero = [&](std::int64_t pair) {
    return policy.probability(pair) == 0 && policy.magnitude(pair) == 0;
  };
  text += "\"operations\": [";
  const char* separator = "\n";
  for (std::int64_t pair = 0; pair < augmentation_policy::pairs; ++pair) {
    const auto second = pair + policy_operations;
    if (is_zero(pair) && (second >= augmentation_policy::pairs || is_zero(second))) continue;
    text.append(separator).append(indent).append("  {\"operation\": \"");
    text.append(name(augmentation_policy::operation_of(pair))).append("\", \"probability\": ");
    text.append(std::to_string(policy.probability(pair))).append(", \"magnitude\": ");
    text.append(std::to_string(policy.magnitude(pair))).append("}");
    separator = ",\n";
  }
  if (*separator == ',') text.append("\n").append(indent);
  text += "]";
}

[[nodiscard]] inline std::string document_head(std::string_view kind)
{
  return "{\n  \"rolewise\": \"" + std::string{kind} +
         "\",\n  \"version\": " + std::to_string(policy_document_version) + ",\n  ";
}

}  // namespace detail

/// Formats a policy as JSON, with operations by name:
///
///     {"rolewise": "policy", "version": 1, "operations": [
///       {"operation": "Rotate", "probability": 3, "magnitude": 5}]}
///
/// Numbers are levels: probabilities 0 .. 10, magnitudes 0 .. 9. An operation may occur twice,
/// for its two pairs, in their order; a missing pair is 0, 0.
[[nodiscard]] inline std::string json_text(const augmentation_policy& policy)
{
  auto text = detail::document_head(detail::policy_kind);
  detail::add_operations(text, policy, "  ");
  return text + "\n}\n";
}

/// Formats a schedule as JSON, with `"segments": [{"first_epoch": 0, "operations": [...]}, ...]`
/// in place of a policy's operations.
[[nodiscard]] inline std::string json_text(const policy_schedule& schedule)
{
  auto text = detail::document_head(detail::schedule_kind) + "\"segments\": [";
  const char* separator = "\n";
  for (const auto& [first_epoch, policy] : schedule.segments()) {
    text.append(separator).append("    {\n      \"first_epoch\": ");
    text.append(std::to_string(first_epoch)).append(",\n      ");
    detail::add_operations(text, policy, "      ");
    text += "\n    }";
    separator = ",\n";
  }
  return text + "\n  ]\n}\n";
}

/// Parses a policy in the format of `json_text`.
///
/// Members may come in any order, each once. Missing, unknown or out-of-range members are errors.
/// @param source name of the text in error messages
/// @throws std::runtime_error `rolewise: <source>:<line>:<column>: found ..., want ...`; for an
///         unknown operation with a suggestion
[[nodiscard]] inline augmentation_policy parse_policy(std::string_view text,
                                                      std::string_view source = "policy")
{
  detail::literal_reader in{source, text, detail::literal_grammar::json};
  (void)detail::want_kind(in, detail::policy_kind);
  return detail::read_policy_document(in);
}

/// Parses a schedule in the format of `json_text`; a policy is accepted as a schedule too.
/// Otherwise as `parse_policy`.
[[nodiscard]] inline policy_schedule parse_policy_schedule(
    std::string_view text, std::string_view source = "policy schedule")
{
  detail::literal_reader in{source, text, detail::literal_grammar::json};
  return detail::want_kind(in, detail::schedule_kind, detail::policy_kind) == detail::policy_kind
             ? policy_schedule{detail::read_policy_document(in)}
             : detail::read_schedule_document(in);
}

/// Whether a text is such a JSON document, rather than a log (`parse_policy_log`): whether it
/// begins with `{`, after white space and a byte order mark.
[[nodiscard]] inline bool is_policy_document(std::string_view text)
{
  text.remove_prefix(detail::byte_order_mark_of(text));
  const auto begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && text[begin] == '{';
}

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
