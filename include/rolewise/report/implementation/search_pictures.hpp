// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/search_pictures.hpp>.

#include <rolewise/report/search_pictures.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise::report::detail {

ROLEWISE_INLINE pictured_search::pictured_search(const char* who,
                                                 const search::search_history& history,
                                                 std::int64_t evaluations)
    : lineage{lineage_of(history)},
      lives_until(lineage.stretches.size()),
      of_best_until(lineage.stretches.size())
{
  if (history.trials < 1 || history.trials > most_pictured_trials || history.epochs < 1)
    throw_invalid_argument(who, "got ", history.trials, " trials of ", history.epochs,
                           " epochs, want 1 to ", most_pictured_trials,
                           " trials of 1 epoch or more");
  for (std::int64_t trial = 0; trial < history.trials; ++trial) {
    const auto last = lineage.last[static_cast<std::size_t>(trial)];
    if (last && lineage.is_left(*last)) mark(trial, lives_until);
  }
  const auto ranked = search::ranked_trials(history, evaluations);
  if (ranked.empty()) return;
  best = ranked.front().trial;
  mark(*best, of_best_until);
}

ROLEWISE_INLINE void pictured_search::mark(std::int64_t trial, ends& until) const
{
  const auto path = lineage.ancestry(trial);
  for (std::size_t k = 0; k < path.size(); ++k) {
    const auto& own = lineage.stretches[path[k]];
    const auto end = k + 1 < path.size() ? lineage.stretches[path[k + 1]].begin : own.end;
    until[path[k]] = std::max(end, until[path[k]].value_or(end));
  }
}

ROLEWISE_INLINE std::vector<tick> epoch_ticks(const axis& epochs)
{
  std::vector<tick> whole;
  for (const auto& t : epochs.ticks())
    if (t.at == std::floor(t.at))
      whole.push_back({t.at, std::to_string(static_cast<std::int64_t>(t.at))});
  return whole;
}

ROLEWISE_INLINE void draw_search_legend(svg& sheet, spot at, std::string_view others,
                                        std::string_view living, std::string_view best)
{
  const auto entry = [&](const stroke& with, std::string_view words) {
    if (words.empty()) return;
    sheet.line({at.x, at.y - 4}, {at.x + 24, at.y - 4}, with);
    sheet.write(words, {at.x + 30, at.y});
    at.x += 50.0 + text_width(words);
  };
  entry(best_stroke, best);
  entry(living_stroke, living);
  entry(faded_stroke, others);
}

ROLEWISE_INLINE void draw_tree_frame(svg& sheet, const tree_layout& at,
                                     const search::search_history& history,
                                     const pictured_search& seen)
{
  sheet.write("Ancestry of the trials", {tree_layout::left, 25.0}, title_lettering);
  for (const auto& tick : epoch_ticks(at.across)) {
    const double x = tree_layout::left + tree_layout::plot_width * at.across.share(tick.at);
    sheet.line({x, tree_layout::top}, {x, at.bottom}, {.color = grid_color});
    sheet.write(tick.label, {x, at.bottom + 19}, {.side = anchor::middle});
  }
  sheet.write("epoch", {tree_layout::left + tree_layout::plot_width / 2, at.bottom + 38},
              {.side = anchor::middle});
  const auto every = static_cast<std::int64_t>(14.0 / at.row) + 1;  // labels that do not touch
  for (std::int64_t trial = 0; trial < history.trials; ++trial) {
    const bool is_best = seen.best == trial;
    if (trial % (at.row >= 14.0 ? 1 : every) != 0 && !is_best) continue;
    auto style = is_best ? lettering{.color = best_stroke.color, .is_bold = true} : lettering{};
    const auto last = seen.lineage.last[static_cast<std::size_t>(trial)];
    const auto scores = seen.lineage.scores_of(trial);
    const spot beside{tree_layout::left + tree_layout::plot_width + 12, at.y_of(trial) + 4};
    if (last && seen.lineage.stretches[*last].failed)
      sheet.write("failed", beside, style);
    else if (!scores.empty())
      sheet.write(fixed_text(scores.back().score, 4) + (is_best ? " best" : ""), beside, style);
    style.side = anchor::end;
    sheet.write("trial " + std::to_string(trial), {tree_layout::left - 10, at.y_of(trial) + 4},
                style);
  }
}

ROLEWISE_INLINE void draw_stretch(svg& sheet, const tree_layout& at,
                                  const search::lineage_stretch& own, std::int64_t end,
                                  const search::search_lineage& lineage, double delay, stroke with)
{
  const double y = at.y_of(own.trial);
  double x = at.x_of(own.begin);
  if (own.parent) {
    const spot from{x, at.y_of(lineage.stretches[*own.parent].trial)};
    x += delay;
    if (from.y != y) sheet.bow(from, {x, y}, with);
  }
  if (at.x_of(end) > x) sheet.line({x, y}, {at.x_of(end), y}, with);
}

}  // namespace rolewise::report::detail

namespace rolewise::report {

ROLEWISE_INLINE std::string lineage_tree(const search::search_history& history,
                                         std::int64_t evaluations)
{
  using namespace detail;
  const pictured_search seen{"lineage_tree", history, evaluations};
  const tree_layout at{history.trials, history.epochs};
  const auto delay = at.delay(history.evaluation_interval);
  const auto& all = seen.lineage.stretches;
  svg sheet{at.width, at.height};
  draw_tree_frame(sheet, at, history, seen);
  sheet.begin_group("others");
  for (const auto& own : all)
    draw_stretch(sheet, at, own, own.end, seen.lineage, delay, faded_stroke);
  sheet.end_group();
  sheet.begin_group("living");
  for (std::size_t i = 0; i < all.size(); ++i)
    if (const auto end = seen.lives_until[i])
      draw_stretch(sheet, at, all[i], *end, seen.lineage, delay, living_stroke);
  sheet.end_group();
  sheet.begin_group("best");
  for (std::size_t i = 0; i < all.size(); ++i)
    if (const auto end = seen.of_best_until[i])
      draw_stretch(sheet, at, all[i], *end, seen.lineage, delay, best_stroke);
  sheet.end_group();
  for (const auto& own : all) {
    if (!own.parent) sheet.dot({at.x_of(own.begin), at.y_of(own.trial)}, 3.5, text_color);
    if (own.failed)
      sheet.cross({at.x_of(own.end), at.y_of(own.trial)}, 6.0, {text_color, 3.0});
    else if (own.stopped)
      sheet.cross({at.x_of(own.end), at.y_of(own.trial)}, 4.0, {text_color, 1.5});
  }
  draw_search_legend(sheet, {tree_layout::left, at.bottom + 60}, "without descendants",
                     "ancestors of those that are left",
                     seen.best ? "of the best trial" : std::string_view{});
  return sheet.finished();
}

}  // namespace rolewise::report

namespace rolewise::report::detail {

ROLEWISE_INLINE std::vector<spot> curve_of(const plot_frame& frame,
                                           const search::search_lineage& lineage, std::size_t i,
                                           std::int64_t end)
{
  std::vector<spot> through;
  const auto& own = lineage.stretches[i];
  if (own.parent)
    for (const auto& score : lineage.stretches[*own.parent].scores)
      if (score.epoch == own.begin)
        through = {frame.at(static_cast<double>(score.epoch), score.score)};
  for (const auto& score : own.scores)
    if (score.epoch <= end)
      through.push_back(frame.at(static_cast<double>(score.epoch), score.score));
  return through;
}

ROLEWISE_INLINE void draw_scores(svg& sheet, const std::vector<spot>& through, stroke with)
{
  if (through.size() > 1) sheet.polyline(through, with);
  if (through.size() == 1 || with.color == best_stroke.color)
    for (const auto& at : through) sheet.dot(at, std::max(2.5, with.width), with.color);
}

}  // namespace rolewise::report::detail

namespace rolewise::report {

ROLEWISE_INLINE std::string search_curves(const search::search_history& history,
                                          std::int64_t evaluations)
{
  using namespace detail;
  const pictured_search seen{"search_curves", history, evaluations};
  const auto& all = seen.lineage.stretches;
  extent up;
  for (const auto& own : all)
    for (const auto& score : own.scores) up.include(score.score);
  const plot_frame frame{.across = axis{{0.0, static_cast<double>(history.epochs)}, false},
                         .up = axis{up, true},
                         .left = 76.0,
                         .top = 46.0,
                         .right = 716.0,
                         .bottom = 366.0};
  constexpr double width = 812.0, height = 440.0;
  svg sheet{width, height};
  frame.draw(sheet, "Scores of all trials", "epoch", "score", epoch_ticks(frame.across));
  for (std::size_t i = 0; i < all.size(); ++i) {
    sheet.begin_group("others", "trial " + std::to_string(all[i].trial));
    draw_scores(sheet, curve_of(frame, seen.lineage, i, all[i].end), faded_stroke);
    sheet.end_group();
  }
  for (std::size_t i = 0; i < all.size(); ++i)
    if (const auto end = seen.lives_until[i])
      draw_scores(sheet, curve_of(frame, seen.lineage, i, *end), {living_stroke.color, 1.5});
  for (std::size_t i = 0; i < all.size(); ++i)
    if (const auto end = seen.of_best_until[i])
      draw_scores(sheet, curve_of(frame, seen.lineage, i, *end), {best_stroke.color, 3.0});
  draw_search_legend(sheet, {frame.left, height - 12.0}, "without descendants",
                     "ancestors of those that are left",
                     seen.best ? "best: trial " + std::to_string(*seen.best) : std::string{});
  return sheet.finished();
}

}  // namespace rolewise::report
