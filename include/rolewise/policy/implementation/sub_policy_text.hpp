// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/policy/sub_policy_text.hpp>.

#include <rolewise/policy/sub_policy_text.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void add_step(std::string& text, const sub_policy::step& step)
{
  text.append("{\"operation\": \"").append(name(step.what)).append("\", \"probability\": ");
  text.append(std::to_string(step.probability)).append(", \"magnitude\": ");
  text.append(std::to_string(step.magnitude)).append("}");
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE std::string json_text(const std::vector<sub_policy>& policy)
{
  if (policy.empty()) throw_invalid_argument("json_text", "got no sub-policy, want at least one");
  auto text = detail::document_head(detail::sub_policies_kind) + "\"sub_policies\": [";
  for (std::size_t i = 0; i < policy.size(); ++i) {
    for (const auto* const step : {&policy[i].first, &policy[i].second})
      if (const auto why = objection_to_levels(*step, i); !why.empty())
        throw_invalid_argument("json_text", why);
    text += i == 0 ? "\n    [" : ",\n    [";
    detail::add_step(text, policy[i].first);
    text += ", ";
    detail::add_step(text, policy[i].second);
    text += "]";
  }
  return text + "\n  ]\n}\n";
}

ROLEWISE_INLINE std::vector<sub_policy> parse_sub_policies(std::string_view text,
                                                           std::string_view source)
{
  detail::literal_reader in{source, text, detail::literal_grammar::json};
  (void)detail::want_kind(in, detail::sub_policies_kind);
  return detail::read_sub_policies_document(in);
}

}  // namespace rolewise
