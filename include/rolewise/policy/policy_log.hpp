// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Logs of population based searches: exploit events, parsed and written.

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise {

/// An exploit event: a trial drops its weights and its policy and continues from a copy of
/// another trial, with a mutation of that trial's policy.
///
/// **Units**: iterations are completed epochs.
struct exploit_event {
  std::int64_t target = 0;            ///< the trial that was replaced
  std::int64_t clone = 0;             ///< the trial that was copied
  std::int64_t target_iteration = 0;  ///< iteration of the target
  std::int64_t clone_iteration = 0;   ///< iteration of the clone; the target continues from here
  augmentation_policy old_policy;     ///< policy of the clone
  augmentation_policy new_policy;     ///< its mutation, which the target follows next
  std::size_t line = 0;               ///< line of the log, for messages; 0: none

  /// Compares all members but `line`.
  friend bool operator==(const exploit_event& a, const exploit_event& b)
  {
    return a.target == b.target && a.clone == b.clone && a.target_iteration == b.target_iteration &&
           a.clone_iteration == b.clone_iteration && a.old_policy == b.old_policy &&
           a.new_policy == b.new_policy;
  }

  /// `trial 10 at iteration 20 copies trial 2 at 21: nothing -> Rotate 0.3@5`.
  friend std::ostream& operator<<(std::ostream& out, const exploit_event& event)
  {
    return out << "trial " << event.target << " at iteration " << event.target_iteration
               << " copies trial " << event.clone << " at " << event.clone_iteration << ": "
               << event.old_policy << " -> " << event.new_policy;
  }
};

/// Syntax of an event, one per line; readers accept both.
enum class log_dialect : std::uint8_t {
  json,    ///< `["10", "2", 20, 21, {"hp_policy": [0, ...]}, {"hp_policy": [3, ...]}]`
  python,  ///< `['10', '2', 20, 21, [0, ...], [3, ...]]`, a Python literal
};

/// Parses the events of a log, oldest first: `pbt_global.txt` (of all trials) or
/// `pbt_policy_<trial>.txt` of Ray's scheduler, or a schedule that was published with Population
/// Based Augmentation.
///
/// An event is a line: trials as digits in quotes, two iterations, two configurations. A
/// configuration is a list of 60 levels, or a dictionary with the list as `hp_policy`; its other
/// entries are ignored. Blank lines are skipped, and so is a byte order mark at the beginning.
/// Lines end as on Unix or Windows; the last one need not have an end.
/// @param source name of the text in error messages
/// @throws std::runtime_error `rolewise: <source>:<line>:<column>: found ..., want ...`; columns
///         count bytes
/// @par Source
/// Ho, Liang, Stoica, Abbeel, Chen: Population Based Augmentation, 2019, arXiv 1905.05393, code
/// arcelien/pba, a9cc308; Ray 0.7's `PopulationBasedTraining`, which writes the logs.
/// @par Departs
/// The published code accepts whatever Python can read. Here a vector has 60 levels in their
/// ranges, trial numbers are digits, and nothing follows an event on its line.
[[nodiscard]] ROLEWISE_INLINE std::vector<exploit_event> parse_policy_log(
    std::string_view text, std::string_view source = "policy log");

/// `parse_policy_log` of a file.
/// @throws std::runtime_error that names the file, and line and column where there are any
[[nodiscard]] inline std::vector<exploit_event> read_policy_log(const std::string& path)
{
  return parse_policy_log(support::text_of_file(path), path);
}

/// Formats a log so that `parse_policy_log` returns the same events. `log_dialect::python`
/// reproduces the published schedules byte for byte.
/// @throws std::invalid_argument without an event (a trial that was never replaced has no log), or
///         for a negative trial or iteration
[[nodiscard]] ROLEWISE_INLINE std::string policy_log_text(std::span<const exploit_event> events,
                                                          log_dialect dialect);

/// Writes `policy_log_text` to a file atomically: an old file stays until the new one is
/// complete.
/// @throws std::runtime_error if the file cannot be written
inline void write_policy_log(const std::string& path, std::span<const exploit_event> events,
                             log_dialect dialect)
{
  support::write_file_atomically(path, policy_log_text(events, dialect));
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/policy/implementation/policy_log.hpp>
#endif
