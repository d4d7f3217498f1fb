// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Invariants of parsing any bytes as a log, a schedule or sub-policies.

#include <rolewise/policy/policy_log.hpp>
#include <rolewise/policy/policy_text.hpp>
#include <rolewise/policy/searched_schedule.hpp>
#include <rolewise/policy/sub_policy_text.hpp>

#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace rolewise::testing {

/// A violated invariant. Neither a `std::runtime_error` nor a `std::invalid_argument`: nothing here
/// catches it.
struct broken_promise {
  std::string_view what;
};

inline void promise(bool is_kept, std::string_view what)
{
  if (!is_kept) throw broken_promise{what};
}

/// @return whether the text was a log
/// @throws broken_promise
inline bool log_round_trips(std::string_view text)
try {
  const auto events = parse_policy_log(text);
  promise(!events.empty(), "a log that was read has events");
  for (const auto dialect : {log_dialect::json, log_dialect::python})
    promise(parse_policy_log(policy_log_text(events, dialect)) == events,
            "a log that was written reads back the same");
  for (const std::int64_t epochs : {1, 200, 1000000}) try {
      const auto segments = search_segments(without_stale_events(events), epochs);
      std::int64_t sum = 0;
      for (const auto& segment : segments) sum += segment.epochs;
      promise(sum == epochs, "segments last as long as the search");
      const auto schedule = stretched(segments, 90);
      promise(parse_policy_schedule(json_text(schedule)) == schedule,
              "a schedule that was written reads back the same");
    } catch (const std::invalid_argument&) {
    }
  return true;
} catch (const std::runtime_error&) {
  return false;
}

/// @return whether the text was a schedule
/// @throws broken_promise
inline bool schedule_round_trips(std::string_view text)
try {
  const auto schedule = parse_policy_schedule(text);
  promise(parse_policy_schedule(json_text(schedule)) == schedule,
          "a schedule that was written reads back the same");
  const auto& policy = schedule.at(7);
  promise(parse_policy(json_text(policy)) == policy,
          "a policy that was written reads back the same");
  return true;
} catch (const std::runtime_error&) {
  return false;
}

/// @return whether the text was a list of sub-policies
/// @throws broken_promise
inline bool sub_policies_round_trip(std::string_view text)
try {
  const auto policy = parse_sub_policies(text);
  promise(!policy.empty(), "a list of sub-policies that was read is not empty");
  promise(parse_sub_policies(json_text(policy)) == policy,
          "a list of sub-policies that was written reads back the same");
  return true;
} catch (const std::runtime_error&) {
  return false;
}

}  // namespace rolewise::testing
