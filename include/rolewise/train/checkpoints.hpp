// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `checkpoints` callback: writes the checkpoints of a run.

#include <rolewise/support/folder_lock.hpp>
#include <rolewise/support/inline.hpp>
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
///     load_evaluated("run/best.checkpoint", training.student);  // what the validation evaluated
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

  void on(const fit_begin& event);
  void on(const step_end&) {}
  void on(const epoch_end&) {}
  void on(const fit_end&) { lock = {}; }

  /// @throws std::runtime_error that names the file; an existing file is then unchanged
  void keep(const snapshot& state, const run_history& so_far) const;

  /// Returns the last checkpoint in the folder, if there is one.
  /// @throws std::runtime_error that names the file if it is damaged
  [[nodiscard]] std::optional<snapshot> kept();
};

static_assert(KeepingCallback<checkpoints>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/checkpoints.hpp>
#endif
