// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `trial_table` callback: prints the trial states of a search.

#include <rolewise/search/configuration.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/search_callback.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise {

/// A live table of the trials of a search. On a terminal it is redrawn, the best trial first:
///
///     population-based  round 3  31/160 epochs  0:42 left
///      trial  epoch   score
///          5      3  0.8123  rate 0.0312  bits 4
///          0      2  0.7944  rate 0.1000  bits 2
///
/// Failed trials come last. Elsewhere, one line when a round is over, with the best trial and the
/// number of failed ones. `left` assumes that every trial that is not stopped will use its
/// epochs. On a terminal, lines are cut to the current width and the table to the current height;
/// elsewhere lines are cut only to `width`, if set.
struct trial_table {
  enum class style {
    automatic,  ///< live on a terminal
    live,
    plain,
  };

  std::FILE* to = stderr;
  style how = style::automatic;
  std::size_t rows = 8;   ///< maximum number of trials in the table
  std::size_t width = 0;  ///< maximum columns of a line; 0: those of the terminal

  /// Internal state; do not set.
  struct {
    std::chrono::steady_clock::time_point begun{};
    std::vector<std::int64_t> epochs{};  ///< current epoch of each trial
    std::vector<search::trial_state> trial_states{};
    std::int64_t trained = 0;  ///< epochs trained since `begun`
    std::int64_t round = 0;
    std::size_t drawn = 0;  ///< lines shown on the terminal
    bool is_live = false;
  } seen{};

  void on(const search_begin& event);

  void on(const search_goes_on& event);

  void on(const search_end& event);

 private:
  /// Returns the progress line: strategy, round, epochs, failed trials and time left.
  [[nodiscard]] std::string progress_line(const search::search_history& history) const;

  /// Returns the trials by score, highest first; failed trials come last.
  [[nodiscard]] std::vector<const search::trial_state*> best_first() const;

  /// Formats a configuration. A policy's pair of levels is written as "Rotate.1 6:7"; pairs of
  /// probability 0 have no effect and are left out.
  [[nodiscard]] static std::string words_of(const search::configuration& p);
  [[nodiscard]] static std::string_view stem_of(std::string_view name, std::string_view end)
  {
    return name.ends_with(end) ? name.substr(0, name.size() - end.size()) : std::string_view{};
  }
  [[nodiscard]] static std::string word_of(const search::configuration::value& x);

  [[nodiscard]] std::string row(const search::trial_state& s) const;

  void print_round(const search::search_history& history);

  void draw(const search::search_history& history);

  /// Returns the text cut to the line width, with a newline.
  [[nodiscard]] std::string cut(const std::string& words) const;
  void put(const std::string& text) const
  {
    std::fputs(text.c_str(), to);
    std::fflush(to);
  }
};

static_assert(SearchCallback<trial_table>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/trial_table.hpp>
#endif
