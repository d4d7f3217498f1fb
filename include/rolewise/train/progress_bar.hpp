// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `progress_bar` callback: prints the progress of a run.

#include <rolewise/support/inline.hpp>
#include <rolewise/train/callback.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

namespace rolewise {

/// A progress bar. On a terminal, one line that is redrawn while an epoch runs:
///
///     epoch 3/8 [#########...........] 211/469  loss 0.8124  1893/s  0:42 left
///
/// `/s` is examples per second, `left` the time to the end of the run. Elsewhere, and when an
/// epoch is over, one line per epoch with its numbers. A loss is read at most five times a
/// second, to limit synchronization with the device.
///
/// On a terminal, lines are cut to the current width: the bar shrinks first, and the line of an
/// epoch drops all numbers but loss, validation accuracy (or metric) and time. Elsewhere lines are
/// complete.
struct progress_bar {
  static constexpr bool has_state = false;

  enum class style {
    automatic,  ///< live on a terminal
    live,
    plain,
  };

  std::FILE* to = stderr;
  style how = style::automatic;
  std::string title{};  ///< printed before each line, such as "student c, seed 2"

  /// Internal state; do not set.
  struct {
    std::chrono::steady_clock::time_point begun{}, drawn{};
    std::int64_t steps = 0, examples = 0, total_steps = 0, epochs = 0;
    bool is_live = false;
    bool is_open = false;  ///< whether the terminal shows a line that will be overwritten
  } seen{};

  void on(const fit_begin& event);

  void on(const step_end& event);

  void on(const epoch_end& event);

  void on(const fit_end& event);

 private:
  /// Returns to the start of the line and erases everything after it: a line that a narrower
  /// window has wrapped continues in the rows below.
  static constexpr const char* line_start = "\r\x1b[J";

  static std::string number(const char* form, double value);

  /// Returns `[#########...........] `, or nothing where there is too little room.
  /// @param room available columns
  static std::string bar(const training_progress& progress, std::size_t room);

  [[nodiscard]] std::string titled(const std::string& words) const
  {
    return title.empty() ? words : title + ": " + words;
  }

  /// Formats a duration: hours, minutes and seconds, or seconds with tenths below ten seconds.
  static std::string clock(double seconds);

  /// @param is_final whether the line stays. If not, the cursor is left at its start, where it
  ///        remains when the window becomes narrower.
  void print(const std::string& words, bool is_final);

  void put(const std::string& text) const
  {
    std::fputs(text.c_str(), to);
    std::fflush(to);
  }
};

static_assert(Callback<progress_bar>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/progress_bar.hpp>
#endif
