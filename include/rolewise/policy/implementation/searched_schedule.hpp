// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/policy/searched_schedule.hpp>.

#include <rolewise/policy/searched_schedule.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>

namespace rolewise::detail {

ROLEWISE_INLINE void require_epochs(std::string_view who, std::int64_t epochs)
{
  if (epochs < 1 || epochs > most_schedule_epochs)
    throw_invalid_argument(who, "epochs is ", epochs, ", want 1 .. ", most_schedule_epochs);
}

ROLEWISE_INLINE std::string place_of(const exploit_event& event, std::string_view source)
{
  std::string place{source};
  if (event.line > 0)
    place += place.empty() ? classic_text("line ", event.line) : classic_text(":", event.line);
  return place.empty() ? place : place + ": ";
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE std::vector<exploit_event> without_stale_events(std::span<const exploit_event> log)
{
  std::size_t first = 0;
  for (std::size_t i = 1; i < log.size(); ++i)
    if (log[i - 1].target != log[i].clone) first = i;
  const auto kept = log.subspan(first);
  return {kept.begin(), kept.end()};
}

ROLEWISE_INLINE std::vector<exploit_event> lineage_of(std::span<const exploit_event> all,
                                                      std::int64_t trial)
{
  std::vector<exploit_event> lineage;
  for (auto i = all.size(); i-- > 0;)
    if (all[i].target == trial) {
      lineage.push_back(all[i]);
      trial = all[i].clone;
    }
  std::reverse(lineage.begin(), lineage.end());
  return lineage;
}

ROLEWISE_INLINE std::vector<search_segment> search_segments(std::span<const exploit_event> ancestry,
                                                            std::int64_t epochs,
                                                            std::string_view source)
{
  constexpr auto who = "search_segments";
  detail::require_epochs(who, epochs);
  std::vector<search_segment> segments;
  augmentation_policy current;
  if (!ancestry.empty()) current = ancestry.front().old_policy;
  std::int64_t done = 0;
  for (std::size_t i = 0; i < ancestry.size(); ++i) {
    const auto& event = ancestry[i];
    const auto object = [&](const auto&... words) {
      throw_invalid_argument(who, detail::place_of(event, source), "event ", i, " copies trial ",
                             event.clone, words...);
    };
    if (i > 0 && event.clone != ancestry[i - 1].target)
      object(", want trial ", ancestry[i - 1].target, ", which the event before is about");
    if (event.clone_iteration < done)
      object(" at iteration ", event.clone_iteration, ", want at least ", done,
             ", that of the event before");
    if (event.clone_iteration > epochs)
      object(" at iteration ", event.clone_iteration, ", want at most ", epochs,
             ", the epochs of the search");
    segments.push_back({event.clone_iteration - done, current});
    done = event.clone_iteration;
    current = event.new_policy;
  }
  segments.push_back({epochs - done, current});
  return segments;
}

ROLEWISE_INLINE std::vector<search_segment> search_segments(const policy_schedule& schedule,
                                                            std::int64_t epochs,
                                                            std::string_view source)
{
  constexpr auto who = "search_segments";
  detail::require_epochs(who, epochs);
  const auto& all = schedule.segments();
  if (all.back().first_epoch >= epochs)
    throw_invalid_argument(who, source, source.empty() ? "" : ": ",
                           "the last segment begins at epoch ", all.back().first_epoch,
                           ", want one below ", epochs, ", the number of epochs");
  std::vector<search_segment> segments;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto end = i + 1 < all.size() ? all[i + 1].first_epoch : epochs;
    segments.push_back({end - all[i].first_epoch, all[i].policy});
  }
  return segments;
}

ROLEWISE_INLINE policy_schedule stretched(std::span<const search_segment> segments,
                                          std::int64_t epochs)
{
  constexpr auto who = "stretched";
  detail::require_epochs(who, epochs);
  std::int64_t searched = 0;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto length = segments[i].epochs;
    if (length < 0 || length > most_schedule_epochs - searched)
      throw_invalid_argument(who, "segment ", i, " lasts ", length, " epochs, want 0 .. ",
                             most_schedule_epochs - searched);
    searched += length;
  }
  if (searched == 0)
    throw_invalid_argument(who, "segments last 0 epochs together, want at least 1");

  // Volatile: fast math could divide after it multiplied, but 49 * (1 / 49) is below 1.
  const volatile double factor = static_cast<double>(epochs) / static_cast<double>(searched);
  std::vector<policy_segment> result;
  std::int64_t done = 0;
  for (const auto& segment : segments) {
    const auto length = static_cast<std::int64_t>(static_cast<double>(segment.epochs) * factor);
    if (length > 0) result.push_back({done, segment.policy});
    done += length;
  }
  const auto& last = segments.back().policy;
  const bool has_last = !result.empty() && result.back().policy == last;
  if (done < epochs && !has_last) result.push_back({done, last});
  return policy_schedule{std::move(result)};
}

}  // namespace rolewise
