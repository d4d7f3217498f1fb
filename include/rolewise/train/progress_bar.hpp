// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The observer that shows a run to whoever waits for it.

#include <rolewise/train/observer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

#include <unistd.h>

namespace rolewise {

/// On a terminal one line that moves while an epoch runs:
///
///     epoch 3/8 [#########...........] 211/469  loss 0.8124  1893/s  0:42 left
///
/// `/s` are examples, `left` is until the end of the run. Elsewhere, and when an epoch is over, one
/// line per epoch with its numbers. A loss is read at most five times a second, so that a device is
/// hardly ever waited for.
struct progress_bar {
  static constexpr bool has_state = false;

  enum class style {
    automatic,  ///< live on a terminal
    live,
    plain,
  };

  std::FILE* to = stderr;
  style how = style::automatic;
  std::string title{};  ///< before each line, such as "student c, seed 2"

  /// What it has seen; leave it out.
  struct {
    std::chrono::steady_clock::time_point begun{}, drawn{};
    std::int64_t steps = 0, examples = 0, steps_in_all = 0, epochs = 0;
    bool is_live = false;
    std::size_t width = 0;  ///< of the line that is on the terminal
  } seen{};

  void see(const run_begins& event)
  {
    seen = {};
    seen.begun = std::chrono::steady_clock::now();
    seen.epochs = event.run.epochs;
    seen.steps_in_all = (event.last_epoch - event.first_epoch) * event.run.steps_per_epoch;
    seen.is_live = how == style::live || (how == style::automatic && ::isatty(::fileno(to)) == 1);
    if (event.is_resumed)
      print(c10::str("resumed after epoch ", event.first_epoch, "/", seen.epochs), true);
  }

  void see(const step_ends& event)
  {
    ++seen.steps;
    seen.examples += event.examples;
    if (!seen.is_live) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - seen.drawn < std::chrono::milliseconds{200}) return;
    seen.drawn = now;
    const double elapsed = std::chrono::duration<double>(now - seen.begun).count();
    constexpr std::int64_t cells = 20;
    const auto full = cells * (event.now.step + 1) / event.now.steps_per_epoch;
    std::string line = c10::str("epoch ", event.now.epoch + 1, "/", event.now.epochs, " [");
    line.append(static_cast<std::size_t>(full), '#');
    line.append(static_cast<std::size_t>(cells - full), '.');
    line += c10::str("] ", event.now.step + 1, "/", event.now.steps_per_epoch);
    const auto& loss = event.numbers.front();
    line += number("  %s %.4f", loss.name.c_str(), loss.value.item<double>());
    line += number("  %s%.0f/s", "", static_cast<double>(seen.examples) / elapsed);
    const double left = elapsed / static_cast<double>(seen.steps) *
                        static_cast<double>(seen.steps_in_all - seen.steps);
    print(line + "  " + clock(left) + " left", false);
  }

  void see(const epoch_ends& event)
  {
    std::string line = c10::str("epoch ", event.record.epoch + 1, "/", seen.epochs);
    for (const auto& [name, value] : event.record.numbers)
      line += number("  %s %.4f", name.c_str(), value);
    if (event.record.validation_accuracy)
      line += number("  %s %.4f", "validation accuracy", *event.record.validation_accuracy);
    print(line + "  " + clock(event.record.seconds), true);
  }

  void see(const run_ends& event)
  {
    if (event.how == ending::stopped_early) print("stopped early", true);
    if (seen.width > 0) print("", true);
  }

 private:
  static std::string number(const char* form, const char* name, double value)
  {
    char text[96];
    std::snprintf(text, sizeof text, form, name, value);
    return text;
  }

  /// Minutes and seconds, with tenths below ten seconds.
  static std::string clock(double seconds)
  {
    char text[48];
    const auto whole = static_cast<long long>(std::max(seconds, 0.0) + 0.5);
    if (seconds < 9.95)
      std::snprintf(text, sizeof text, "%.1f s", std::max(seconds, 0.0));
    else if (whole < 3600)
      std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
    else
      std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
                    whole % 60);
    return text;
  }

  void print(const std::string& words, bool is_final)
  {
    auto line = title.empty() || words.empty() ? words : title + ": " + words;
    const auto length = line.size();
    if (seen.is_live && length < seen.width) line.append(seen.width - length, ' ');
    std::fprintf(to, "%s%s%s", seen.is_live ? "\r" : "", line.c_str(), is_final ? "\n" : "");
    std::fflush(to);
    seen.width = is_final ? 0 : length;
  }
};

static_assert(Observer<progress_bar>);

}  // namespace rolewise
