// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Conversion of the log of a population based search to a policy schedule for training.

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/policy_log.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

/// A policy and the number of epochs for which a trial and its ancestors followed it.
struct search_segment {
  std::int64_t epochs = 0;
  augmentation_policy policy;

  friend bool operator==(const search_segment&, const search_segment&) = default;

  /// `for 12 epochs: Rotate 0.3@5`.
  friend std::ostream& operator<<(std::ostream& out, const search_segment& segment)
  {
    return out << "for " << segment.epochs << " epochs: " << segment.policy;
  }
};

/// Maximum number of epochs of a search or a training run.
inline constexpr std::int64_t most_schedule_epochs = 1'000'000'000;

namespace detail {

inline void require_epochs(std::string_view who, std::int64_t epochs)
{
  if (epochs < 1 || epochs > most_schedule_epochs)
    throw_invalid_argument(who, "epochs is ", epochs, ", want 1 .. ", most_schedule_epochs);
}

/// Prefix of messages about an event, `log.txt:3: `; parts that are unknown are left out.
[[nodiscard]] inline std::string place_of(const exploit_event& event, std::string_view source)
{
  std::string place{source};
  if (event.line > 0)
    place += place.empty() ? classic_text("line ", event.line) : classic_text(":", event.line);
  return place.empty() ? place : place + ": ";
}

}  // namespace detail

/// Returns the ancestry of a trial from its own log, `pbt_policy_<trial>.txt`.
///
/// A trial that is replaced takes over the log of the trial that it copies. That one has no log
/// if it was never replaced itself; then the old lines stay in front. They end before the last
/// line whose `clone` is not the `target` of the line before it.
[[nodiscard]] inline std::vector<exploit_event> without_stale_events(
    std::span<const exploit_event> log)
{
  std::size_t first = 0;
  for (std::size_t i = 1; i < log.size(); ++i)
    if (log[i - 1].target != log[i].clone) first = i;
  const auto kept = log.subspan(first);
  return {kept.begin(), kept.end()};
}

/// Returns the ancestry of a trial from the log of all trials, `pbt_global.txt`, oldest first:
/// its last replacement, before that the last one of the trial that it copied, and so on. Empty
/// for a trial that was never replaced.
[[nodiscard]] inline std::vector<exploit_event> lineage_of(std::span<const exploit_event> all,
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

/// Returns the policies that a trial and its ancestors followed, in order.
///
/// Segment 0 is the old policy of the first event, until the iteration at which it was copied;
/// segment j is the new policy of event j - 1, until event j. A segment may last 0 epochs.
/// @param ancestry result of `without_stale_events` or `lineage_of`; without an event all epochs
///        have the policy of all zeros, which searches begin with
/// @param epochs of the search
/// @param source file name for messages, or empty
/// @throws std::invalid_argument unless each event copies the trial of the one before, at no
///         earlier iteration, the last one within the epochs; the message names the event's line
///         where it is known: `rolewise: search_segments: <source>:<line>: event ... copies ...`
/// @par Source
/// Ho, Liang, Stoica, Abbeel, Chen: Population Based Augmentation, 2019, arXiv 1905.05393, the
/// published code's `parse_log`.
[[nodiscard]] inline std::vector<search_segment> search_segments(
    std::span<const exploit_event> ancestry, std::int64_t epochs, std::string_view source = {})
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

/// Converts a schedule to segments of a search or a training run of `epochs` epochs.
/// @param source file name for messages, or empty
/// @throws std::invalid_argument unless the last segment begins within the epochs
[[nodiscard]] inline std::vector<search_segment> search_segments(const policy_schedule& schedule,
                                                                 std::int64_t epochs,
                                                                 std::string_view source = {})
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

/// Scales a schedule searched over E epochs, the sum of the segments, to a training of N epochs.
///
///     segment j: trunc(epochs_j * (N / E)) epochs, N / E and the product rounded to double
///
/// Segments of 0 epochs are dropped. Epochs that remain up to N get the last policy, even if its
/// segment was dropped.
/// @throws std::invalid_argument if a segment lasts less than 0 epochs, all together less than 1,
///         or N is less than 1
/// @par Source
/// The published code of arXiv 1905.05393, `_parse_log_schedule`.
/// @par Departs
/// The published code fills to trunc(E * (N / E)), which rounding can make N - 1; epoch N - 1
/// then has no policy and it fails. Here it fills to N, and epochs from N on have the last
/// policy.
[[nodiscard]] inline policy_schedule stretched(std::span<const search_segment> segments,
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

/// Checksum that depends on the order: the sum of (i + 1) times level i over the 60 levels.
[[nodiscard]] constexpr std::int64_t weighted_checksum(const augmentation_policy& policy)
{
  std::int64_t sum = 0;
  for (std::int64_t i = 0; const auto level : policy.levels()) sum += ++i * level;
  return sum;
}

/// Sum of the weighted checksums of the policies, each times its number of epochs.
[[nodiscard]] constexpr std::int64_t weighted_checksum(std::span<const search_segment> segments)
{
  std::int64_t sum = 0;
  for (const auto& segment : segments) sum += segment.epochs * weighted_checksum(segment.policy);
  return sum;
}

}  // namespace rolewise
