// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `checkpoints` callback: writes the checkpoints of a run.

#include <rolewise/support/error.hpp>
#include <rolewise/support/folder_lock.hpp>
#include <rolewise/train/callback.hpp>
#include <rolewise/train/checkpoint.hpp>
#include <rolewise/train/detail/file_identity.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace rolewise {

/// A callback that writes checkpoints: `last.checkpoint` before the first epoch (so that a
/// missing folder or a full disk is detected before any training), after every `every`-th epoch
/// and after the last; `best.checkpoint` after each epoch with a higher validation accuracy than
/// all before, or a better `fit_options::validation_metric`.
///
///     fit(training, data, {.epochs = 8, .resume = true}, checkpoints{.folder = "run"});
///     load_checkpoint("run/best.checkpoint", training.student, "step.student");
///
/// Files are synced and put in place by atomic rename: at any instant the folder holds a whole
/// checkpoint or none. The folder must exist, so that a misspelled name does not start a new run.
/// A run that is not resumed throws if the folder already holds a checkpoint.
///
/// Only one run at a time, across processes, writes to a folder: it holds the lock file
/// `run.lock`. A lock file left behind by a killed process has no effect.
struct checkpoints {
  static constexpr bool has_state = false;

  std::string folder;
  std::int64_t every = 1;  ///< epochs; at least 1
  bool keep_best = true;   ///< without a validation set there is no best

  std::int64_t last_epoch = 0;                      ///< of the observed run; internal, do not set
  detail::folder_lock lock{};                       ///< internal, do not set
  std::optional<detail::file_identity> taken_up{};  ///< internal, do not set

  [[nodiscard]] std::string last() const { return folder + "/last.checkpoint"; }
  [[nodiscard]] std::string best() const { return folder + "/best.checkpoint"; }

  void on(const fit_begin& event)
  {
    if (folder.empty() || every < 1)
      throw_invalid_argument("checkpoints", "want a folder and every >= 1, got '", folder, "' and ",
                             every);
    lock = {};  // releases the lock of a run that did not end
    detail::folder_lock held{folder + "/run.lock", last(),
                             "wait until that run is over or choose another folder"};
    const auto there = detail::identity_of(last());
    const auto read = std::exchange(taken_up, std::nullopt);
    if (!event.is_resumed && there)
      throw_invalid_argument(
          "checkpoints", last(),
          " is there already: resume that run (.resume = true) or choose another folder");
    if (event.is_resumed && read && there != read)
      throw_runtime_error(last(),
                          "was written by another process while it was read: resume once more");
    last_epoch = event.last_epoch;
    lock = std::move(held);
  }
  void on(const step_end&) {}
  void on(const epoch_end&) {}
  void on(const fit_end&) { lock = {}; }

  /// @throws std::runtime_error that names the file; an existing file is then unchanged
  void keep(const snapshot& state, const run_history& so_far) const
  {
    const auto next = so_far.epochs.empty() ? 0 : so_far.epochs.back().epoch + 1;
    if (keep_best && next > 0 && so_far.best_epoch == next - 1) write_snapshot(best(), state);
    if (next % every == 0 || next == last_epoch || so_far.stopped_early)
      write_snapshot(last(), state);
  }

  /// Returns the last checkpoint in the folder, if there is one.
  /// @throws std::runtime_error that names the file if it is damaged
  [[nodiscard]] std::optional<snapshot> kept()
  {
    taken_up = detail::identity_of(last());
    if (!taken_up) return std::nullopt;
    return read_snapshot(last());
  }
};

static_assert(KeepingCallback<checkpoints>);

}  // namespace rolewise
