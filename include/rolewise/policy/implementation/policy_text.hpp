// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/policy/policy_text.hpp>.

#include <rolewise/policy/policy_text.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void add_operations(std::string& text, const augmentation_policy& policy,
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

ROLEWISE_INLINE std::string document_head(std::string_view kind)
{
  return "{\n  \"rolewise\": \"" + std::string{kind} +
         "\",\n  \"version\": " + std::to_string(policy_document_version) + ",\n  ";
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE std::string json_text(const augmentation_policy& policy)
{
  auto text = detail::document_head(detail::policy_kind);
  detail::add_operations(text, policy, "  ");
  return text + "\n}\n";
}

ROLEWISE_INLINE std::string json_text(const policy_schedule& schedule)
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

ROLEWISE_INLINE augmentation_policy parse_policy(std::string_view text, std::string_view source)
{
  detail::literal_reader in{source, text, detail::literal_grammar::json};
  (void)detail::want_kind(in, detail::policy_kind);
  return detail::read_policy_document(in);
}

ROLEWISE_INLINE policy_schedule parse_policy_schedule(std::string_view text,
                                                      std::string_view source)
{
  detail::literal_reader in{source, text, detail::literal_grammar::json};
  return detail::want_kind(in, detail::schedule_kind, detail::policy_kind) == detail::policy_kind
             ? policy_schedule{detail::read_policy_document(in)}
             : detail::read_schedule_document(in);
}

ROLEWISE_INLINE bool is_policy_document(std::string_view text)
{
  text.remove_prefix(detail::byte_order_mark_of(text));
  const auto begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && text[begin] == '{';
}

}  // namespace rolewise
