// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Storage of a search: `history.jsonl`, and a checkpoint of each trial at the end of a round.

#include <rolewise/core/settings.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_history_file.hpp>
#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/file_lock.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/train/checkpoint.hpp>
#include <rolewise/train/detail/read_checked.hpp>
#include <rolewise/train/snapshot.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Text of the differences between two lists of settings.
[[nodiscard]] ROLEWISE_INLINE std::string difference_of_settings(const json* found,
                                                                 const json& wanted);

/// Text of the first difference between the header lines of two histories; empty if they agree.
[[nodiscard]] ROLEWISE_INLINE std::string difference(const json& found, const json& wanted);

/// Identifies the checkpoint of one trial after one round.
struct kept_trial {
  std::int64_t trial = 0;
  std::int64_t round = 0;

  [[nodiscard]] std::string file() const
  {
    return classic_text("trial-", trial, ".round-", round, ".checkpoint");
  }
  friend bool operator==(const kept_trial&, const kept_trial&) = default;
};

/// Checkpoints that a search needs at the beginning of a round: that of each trial's last score
/// and, for a strategy that copies earlier states, the one that was current a round earlier. A
/// trial that failed in that round has none, because it is never continued.
[[nodiscard]] ROLEWISE_INLINE std::vector<kept_trial> needed_states(
    const search::search_history& history, std::int64_t round, bool reads_history);

/// The append-only file of events. One process at a time holds its lock.
class event_file {
 public:
  /// @throws std::runtime_error if it cannot be opened or is locked already
  explicit event_file(std::string path);

  [[nodiscard]] std::string text() const { return read_checked(path_); }
  void cut(std::size_t length) const;
  void add(std::string_view line) const;
  void sync() const;

 private:
  std::string path_;
  file_lock lock_;
};

/// A search in a folder; with an empty path nothing is saved.
class search_folder {
 public:
  explicit search_folder(std::string folder) : folder_{std::move(folder)} {}

  [[nodiscard]] bool keeps() const { return !folder_.empty(); }
  [[nodiscard]] std::string history_path() const { return folder_ + "/history.jsonl"; }

  /// Locks the history file and reads it; begins a history where there is none.
  /// @return the recorded events
  /// @throws std::invalid_argument that names the difference, if they are of another search
  /// @throws std::runtime_error that names the file and the byte, if it is damaged
  [[nodiscard]] std::vector<search::search_event> open(const json& head);
  /// The same check in a process that does not hold the lock, from the header that the holder has
  /// read.
  void require_same(const json& found, const json& wanted) const;

  void add(const search::search_event& event) const
  {
    if (events_) events_->add(search::detail::line_of(search::detail::json_of(event)));
  }

  /// @param state `()` returns the snapshot; called only if checkpoints are saved
  template<typename State>
  void keep(const kept_trial& which, const State& state) const
  {
    if (keeps()) write_snapshot(path_of(which), state());
  }
  [[nodiscard]] snapshot state_of(const kept_trial& which) const
  {
    return read_snapshot(path_of(which));
  }

  /// Syncs the events, then removes checkpoints of earlier rounds that are not needed. Those of
  /// this round stay: another process may have written them already; outdated ones are
  /// overwritten.
  void settle(const std::vector<kept_trial>& needed, std::int64_t round) const;

 private:
  [[nodiscard]] std::string path_of(const kept_trial& which) const
  {
    return folder_ + "/" + which.file();
  }

  [[nodiscard]] std::vector<std::string> states_there() const;

  std::string folder_;
  std::unique_ptr<event_file> events_;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/search_folder.hpp>
#endif
