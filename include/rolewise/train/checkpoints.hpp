// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The observer that keeps a run in files.

#include <rolewise/core/error.hpp>
#include <rolewise/core/folder_lock.hpp>
#include <rolewise/train/checkpoint.hpp>
#include <rolewise/train/detail/file_identity.hpp>
#include <rolewise/train/observer.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace rolewise {

/// Writes `last.checkpoint` before the first epoch (so that a missing folder or a full disk is
/// noticed before any work), after every `every`-th and after the last; and `best.checkpoint` after
/// each epoch with a validation accuracy higher than any before.
///
///     fit(lesson, data, {.epochs = 8, .resume = true}, checkpoints{.folder = "run"});
///     load_checkpoint("run/best.checkpoint", lesson.student, "step.student");
///
/// A file is written aside, synced and renamed: at any instant the folder holds a whole checkpoint
/// or none. The folder must be there: a misspelt one shall not begin a new run. A run that is not
/// resumed refuses a folder that holds one already.
///
/// One run at a time writes in a folder, of all processes: while it lasts, there is a `run.lock` in
/// it. One that a kill has left does not matter.
struct checkpoints {
  static constexpr bool has_state = false;

  std::string folder;
  std::int64_t every = 1;  ///< epochs; at least 1
  bool keep_best = true;   ///< without a validation set there is no best

  std::int64_t last_epoch = 0;                      ///< of the run that is watched; leave it out
  detail::folder_lock lock{};                       ///< leave it out
  std::optional<detail::file_identity> taken_up{};  ///< leave it out

  [[nodiscard]] std::string last() const { return folder + "/last.checkpoint"; }
  [[nodiscard]] std::string best() const { return folder + "/best.checkpoint"; }

  void see(const run_begins& event)
  {
    if (folder.empty() || every < 1)
      refuse("checkpoints", "want a folder and every >= 1, got '", folder, "' and ", every);
    lock = {};  // of a run that did not end
    detail::folder_lock held{folder + "/run.lock", last(),
                             "wait until that run is over or choose another folder"};
    const auto there = detail::identity_of(last());
    const auto read = std::exchange(taken_up, std::nullopt);
    if (!event.is_resumed && there)
      refuse("checkpoints", last(),
             " is there already: resume that run (.resume = true) or choose another folder");
    if (event.is_resumed && read && there != read)
      fail(last(), "was written by another process while it was read: resume once more");
    last_epoch = event.last_epoch;
    lock = std::move(held);
  }
  void see(const step_ends&) {}
  void see(const epoch_ends&) {}
  void see(const run_ends&) { lock = {}; }

  /// @throws std::runtime_error that names the file; what was there is untouched then
  void keep(const snapshot& state, const run_history& so_far) const
  {
    const auto next = so_far.epochs.empty() ? 0 : so_far.epochs.back().epoch + 1;
    if (keep_best && next > 0 && so_far.best_epoch == next - 1) write_snapshot(best(), state);
    if (next % every == 0 || next == last_epoch || so_far.stopped_early)
      write_snapshot(last(), state);
  }

  /// The run in the folder, if there is one.
  /// @throws std::runtime_error that names the file if it is damaged
  [[nodiscard]] std::optional<snapshot> kept()
  {
    taken_up = detail::identity_of(last());
    if (!taken_up) return std::nullopt;
    return read_snapshot(last());
  }
};

static_assert(KeepingObserver<checkpoints>);

}  // namespace rolewise
