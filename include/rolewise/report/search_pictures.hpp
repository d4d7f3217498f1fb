// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Pictures of a search: lineage tree of its trials and score curves (SVG).

#include <rolewise/report/detail/axis.hpp>
#include <rolewise/report/detail/svg.hpp>
#include <rolewise/report/table.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_lineage.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::report {

/// The most trials of a picture of a search; more are an error.
inline constexpr std::int64_t most_pictured_trials = 1'000;

namespace detail {

inline constexpr stroke faded_stroke{"#c9c9c9", 1.5};
inline constexpr stroke living_stroke{"#0072B2", 2.0};
inline constexpr stroke best_stroke{"#D55E00", 3.5};

/// The data of a search that its pictures use.
struct pictured_search {
  using ends = std::vector<std::optional<std::int64_t>>;  ///< an epoch for each stretch, or nothing

  search::search_lineage lineage;
  ends lives_until;    ///< last epoch with descendants among the trials left at the end
  ends of_best_until;  ///< likewise for the best trial
  std::optional<std::int64_t> best;

  pictured_search(const char* who, const search::search_history& history, std::int64_t evaluations);

 private:
  void mark(std::int64_t trial, ends& until) const;
};

/// The integer ticks of an epoch axis.
[[nodiscard]] ROLEWISE_INLINE std::vector<tick> epoch_ticks(const axis& epochs);

/// Draws the three line styles and their meaning, in a row.
ROLEWISE_INLINE void draw_search_legend(svg& sheet, spot at, std::string_view others,
                                        std::string_view living, std::string_view best);

/// Layout of a lineage tree in pixels.
struct tree_layout {
  static constexpr double left = 76.0, top = 46.0, plot_width = 640.0, right_margin = 108.0;
  double row, bottom, width, height;
  axis across;

  tree_layout(std::int64_t trials, std::int64_t epochs)
      : row{std::clamp(560.0 / static_cast<double>(trials), 8.0, 26.0)},
        bottom{top + row * static_cast<double>(trials)},
        width{left + plot_width + right_margin},
        height{bottom + 74.0},
        across{{0.0, static_cast<double>(epochs)}, false}
  {}

  [[nodiscard]] double x_of(std::int64_t epoch) const
  {
    return left + plot_width * across.share(static_cast<double>(epoch));
  }
  [[nodiscard]] double y_of(std::int64_t trial) const
  {
    return top + row * (static_cast<double>(trial) + 0.5);
  }
  /// Width of the line of a copy, which starts at its epoch.
  [[nodiscard]] double delay(std::int64_t evaluation_interval) const
  {
    return std::min(14.0, 0.6 * (x_of(std::max<std::int64_t>(1, evaluation_interval)) - x_of(0)));
  }
};

/// Draws epochs below, trials on the left, last scores on the right.
ROLEWISE_INLINE void draw_tree_frame(svg& sheet, const tree_layout& at,
                                     const search::search_history& history,
                                     const pictured_search& seen);

/// Draws a stretch up to an epoch, with the line from its parent.
ROLEWISE_INLINE void draw_stretch(svg& sheet, const tree_layout& at,
                                  const search::lineage_stretch& own, std::int64_t end,
                                  const search::search_lineage& lineage, double delay, stroke with);

}  // namespace detail

/// Lineage tree of a search over epochs, as the text of an SVG picture: a row for each trial, a
/// curve from one row to another for each copy, a dot where a trial started, a cross where it was
/// stopped, a thick cross where it failed. Ancestors of the trials that are left at the end are
/// blue, those of the best trial (`best_trial`) thick and red, all others gray. The last score, or
/// that the trial has failed, is on the right.
/// @param evaluations as `best_trial`
/// @par Determinism
/// The same history gives the same bytes, whatever the locale and the times in it.
/// @throws std::invalid_argument unless the history has 1 to 1000 trials of at least one epoch,
///         and as `lineage_of(history)`
[[nodiscard]] ROLEWISE_INLINE std::string lineage_tree(const search::search_history& history,
                                                       std::int64_t evaluations = 3);

namespace detail {

/// Points of a curve up to an epoch; a copy starts at the score of its parent.
[[nodiscard]] ROLEWISE_INLINE std::vector<spot> curve_of(const plot_frame& frame,
                                                         const search::search_lineage& lineage,
                                                         std::size_t i, std::int64_t end);

ROLEWISE_INLINE void draw_scores(svg& sheet, const std::vector<spot>& through, stroke with);

}  // namespace detail

/// Scores of all trials over epochs, as the text of an SVG picture, in the colors of
/// `lineage_tree`. The curve of a copy starts at the score of its parent.
/// @param evaluations as `best_trial`
/// @par Determinism
/// As `lineage_tree`.
/// @throws std::invalid_argument as `lineage_tree`
[[nodiscard]] ROLEWISE_INLINE std::string search_curves(const search::search_history& history,
                                                        std::int64_t evaluations = 3);

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/search_pictures.hpp>
#endif
