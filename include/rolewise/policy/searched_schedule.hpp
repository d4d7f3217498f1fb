// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Conversion of the log of a population based search to a policy schedule for training.

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/policy_log.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>

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

ROLEWISE_INLINE void require_epochs(std::string_view who, std::int64_t epochs);

/// Prefix of messages about an event, `log.txt:3: `; parts that are unknown are left out.
[[nodiscard]] ROLEWISE_INLINE std::string place_of(const exploit_event& event,
                                                   std::string_view source);

}  // namespace detail

/// Returns the ancestry of a trial from its own log, `pbt_policy_<trial>.txt`.
///
/// A trial that is replaced takes over the log of the trial that it copies. That one has no log
/// if it was never replaced itself; then the old lines stay in front. They end before the last
/// line whose `clone` is not the `target` of the line before it.
[[nodiscard]] ROLEWISE_INLINE std::vector<exploit_event> without_stale_events(
    std::span<const exploit_event> log);

/// Returns the ancestry of a trial from the log of all trials, `pbt_global.txt`, oldest first:
/// its last replacement, before that the last one of the trial that it copied, and so on. Empty
/// for a trial that was never replaced.
[[nodiscard]] ROLEWISE_INLINE std::vector<exploit_event> lineage_of(
    std::span<const exploit_event> all, std::int64_t trial);

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
[[nodiscard]] ROLEWISE_INLINE std::vector<search_segment> search_segments(
    std::span<const exploit_event> ancestry, std::int64_t epochs, std::string_view source = {});

/// Converts a schedule to segments of a search or a training run of `epochs` epochs.
/// @param source file name for messages, or empty
/// @throws std::invalid_argument unless the last segment begins within the epochs
[[nodiscard]] ROLEWISE_INLINE std::vector<search_segment> search_segments(
    const policy_schedule& schedule, std::int64_t epochs, std::string_view source = {});

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
[[nodiscard]] ROLEWISE_INLINE policy_schedule stretched(std::span<const search_segment> segments,
                                                        std::int64_t epochs);

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

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/policy/implementation/searched_schedule.hpp>
#endif
