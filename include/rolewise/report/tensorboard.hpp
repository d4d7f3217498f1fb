// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `tensorboard` callback: writes the record of a run as event files of TensorBoard.

#include <rolewise/report/event_writer.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/callback.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace rolewise::report {

/// A callback that writes scalars after each epoch: every metric as `train/<name>`,
/// `learning_rate`, `validation/accuracy` and `validation/loss` or the metric that validation
/// follows, `seconds`. Steps are the updates so far. Histograms and images are written by
/// `each_epoch`:
///
///     report::tensorboard board{.folder = "runs/first"};
///     board.each_epoch = [&](report::event_writer& to, std::int64_t step) {
///       to.add_levels(training.student, step);
///       to.add_view("views/student", view, step);
///     };
///     fit(training, data.train, {.epochs = 8}, board);   // then: tensorboard --logdir runs
///
/// The folder must exist. Each start writes a new file; TensorBoard joins those of a folder. That
/// of a resumed run drops what a killed run wrote after its last checkpoint.
///
/// @throws std::runtime_error that names the file if it cannot be written
struct tensorboard {
  static constexpr bool has_state = false;

  std::string folder;
  std::int64_t every = 0;       ///< updates between the metrics of steps, `step/<name>`; 0: none
  event_writer::clock clock{};  ///< of the events; empty: the time of the system
  std::function<void(event_writer& to, std::int64_t step)> each_epoch{};

  event_writer writer{};             ///< of the current run; internal, do not set
  std::int64_t first_epoch = 0;      ///< internal, do not set
  std::int64_t steps_per_epoch = 0;  ///< internal, do not set

  void on(const fit_begin& event);
  void on(const step_end& event);
  void on(const epoch_end& event);
  void on(const fit_end& event);
};

static_assert(Callback<tensorboard>);

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/tensorboard.hpp>
#endif
