// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/policy/policy_log.hpp>.

#include <rolewise/policy/policy_log.hpp>

#include <rolewise/policy/detail/read_levels.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/literal_reader.hpp>

namespace rolewise {

ROLEWISE_INLINE std::vector<exploit_event> parse_policy_log(std::string_view text,
                                                            std::string_view source)
{
  std::vector<exploit_event> events;
  for (std::size_t line = 1; !text.empty() || events.empty(); ++line) {
    const auto length = text.find('\n');
    detail::literal_reader in{source, text.substr(0, length),
                              detail::literal_grammar::json_or_python, line};
    text.remove_prefix(length == std::string_view::npos ? text.size() : length + 1);
    const bool may_be_blank = !text.empty() || !events.empty();
    if (may_be_blank && in.sees_end()) continue;
    const auto comma_after = [&](auto x) {
      in.want(',');
      return x;
    };
    in.want('[');
    auto& event = events.emplace_back();
    event.line = line;
    event.target = comma_after(detail::read_trial(in));
    event.clone = comma_after(detail::read_trial(in));
    event.target_iteration = comma_after(detail::read_iteration(in));
    event.clone_iteration = comma_after(detail::read_iteration(in));
    event.old_policy = comma_after(detail::read_configuration(in));
    event.new_policy = detail::read_configuration(in);
    in.want(']');
    in.want_end();
  }
  return events;
}

ROLEWISE_INLINE std::string policy_log_text(std::span<const exploit_event> events,
                                            log_dialect dialect)
{
  if (events.empty()) throw_invalid_argument("policy_log_text", "got no event, want at least one");
  const bool is_json = dialect == log_dialect::json;
  const char* quote = is_json ? "\"" : "'";
  std::string text;
  const auto add_trial = [&](std::int64_t trial) {
    text.append(quote).append(std::to_string(trial)).append(quote).append(", ");
  };
  const auto add_policy = [&](const augmentation_policy& policy) {
    text += is_json ? "{\"hp_policy\": [" : "[";
    for (const char* separator = ""; const auto level : policy.levels()) {
      text.append(separator).append(std::to_string(level));
      separator = ", ";
    }
    text += is_json ? "]}" : "]";
  };
  for (const auto& event : events) {
    if (event.target < 0 || event.clone < 0 || event.target_iteration < 0 ||
        event.clone_iteration < 0)
      throw_invalid_argument("policy_log_text", "trials are ", event.target, " and ", event.clone,
                             ", iterations ", event.target_iteration, " and ",
                             event.clone_iteration, ", want at least 0");
    text += "[";
    add_trial(event.target);
    add_trial(event.clone);
    text.append(std::to_string(event.target_iteration)).append(", ");
    text.append(std::to_string(event.clone_iteration)).append(", ");
    add_policy(event.old_policy);
    text += ", ";
    add_policy(event.new_policy);
    text += "]\n";
  }
  return text;
}

}  // namespace rolewise
