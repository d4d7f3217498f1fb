// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/search_lineage.hpp>.

#include <rolewise/search/search_lineage.hpp>
#include <rolewise/support/error.hpp>

#include <map>

namespace rolewise::search {

ROLEWISE_INLINE std::vector<std::size_t> search_lineage::ancestry(std::int64_t trial) const
{
  if (trial < 0 || trial >= static_cast<std::int64_t>(last.size()))
    throw_invalid_argument("search_lineage", "want a trial of 0 to ", last.size(), " - 1, got ",
                           trial);
  std::vector<std::size_t> path;
  for (auto at = last[static_cast<std::size_t>(trial)]; at; at = stretches[*at].parent)
    path.push_back(*at);
  std::reverse(path.begin(), path.end());
  return path;
}

ROLEWISE_INLINE std::vector<past_score> search_lineage::scores_of(std::int64_t trial) const
{
  std::vector<past_score> scores;
  const auto path = ancestry(trial);
  for (std::size_t i = 0; i < path.size(); ++i)
    for (const auto& score : stretches[path[i]].scores)
      if (i + 1 == path.size() || score.epoch <= stretches[path[i + 1]].begin)
        scores.push_back(score);
  return scores;
}

ROLEWISE_INLINE std::int64_t search_lineage::founders_left() const
{
  std::vector<std::size_t> roots;
  for (std::size_t trial = 0; trial < last.size(); ++trial)
    if (last[trial] && is_left(*last[trial]))
      roots.push_back(ancestry(static_cast<std::int64_t>(trial)).front());
  std::sort(roots.begin(), roots.end());
  return std::unique(roots.begin(), roots.end()) - roots.begin();
}

}  // namespace rolewise::search

namespace rolewise::search::detail {

ROLEWISE_INLINE lineage_reader::lineage_reader(std::int64_t trials)
{
  if (trials < 0) throw_invalid_argument("search_lineage", "the history has ", trials, " trials");
  found_.last.resize(static_cast<std::size_t>(trials));
}

ROLEWISE_INLINE void lineage_reader::read(const search_event& event, std::size_t number)
{
  number_ = number;
  if (event.round != round_) look(event.round);
  auto& last = found_.last[place(event.trial)];
  if (event.what == search_event::kind::scored) {
    if (!event.score || !last) wrong("scores what has not started, or has no score");
    auto& current = found_.stretches[*last];
    current.end = event.epoch;
    current.scores.push_back({event.epoch, *event.score, current.at});
    return;
  }
  if (event.what == search_event::kind::failed) {
    if (!last) wrong("fails what has not started");
    auto& current = found_.stretches[*last];
    current.end = event.epoch;
    current.failed = true;
    return;
  }
  if (event.what == search_event::kind::stopped) {
    if (last) found_.stretches[*last].stopped = true;
    return;
  }
  if (!event.at) wrong("has no configuration");
  lineage_stretch begun{.trial = event.trial, .at = *event.at};
  if (event.what == search_event::kind::copied) {
    if (!event.from || !event.from_epoch) wrong("copies, and does not say whom at which epoch");
    begun.parent = stretch_of(*event.from, *event.from_epoch);
    begun.begin = begun.end = *event.from_epoch;
  }
  last = found_.stretches.size();
  found_.stretches.push_back(std::move(begun));
}

ROLEWISE_INLINE void lineage_reader::look(std::int64_t round)
{
  round_ = round;
  auto& current = evaluations_.emplace_back();
  for (const auto& last : found_.last)
    current.push_back({last, last ? found_.stretches[*last].end : 0});
}

ROLEWISE_INLINE std::size_t lineage_reader::stretch_of(std::int64_t trial, std::int64_t epoch) const
{
  const auto at = place(trial);
  for (auto look = evaluations_.rbegin(); look != evaluations_.rend(); ++look)
    if (const auto& then = (*look)[at]; then.stretch && then.epoch == epoch) return *then.stretch;
  wrong("copies a trial at an epoch that it was never looked at");
}

ROLEWISE_INLINE std::size_t lineage_reader::place(std::int64_t trial) const
{
  if (trial < 0 || trial >= static_cast<std::int64_t>(found_.last.size()))
    wrong("is about a trial that the history does not have");
  return static_cast<std::size_t>(trial);
}

}  // namespace rolewise::search::detail

namespace rolewise::search {

ROLEWISE_INLINE search_lineage lineage_of(const search_history& history)
{
  detail::lineage_reader reader{history.trials};
  for (std::size_t i = 0; i < history.events.size(); ++i) reader.read(history.events[i], i);
  return reader.finished();
}

ROLEWISE_INLINE std::vector<failed_trial> failed_trials(const search_history& history)
{
  const auto lineage = lineage_of(history);
  std::map<std::int64_t, failed_trial> found;
  for (const auto& event : history.events) {
    const auto trial = static_cast<std::size_t>(event.trial);
    if (event.what != search_event::kind::failed) continue;
    const auto& current = lineage.stretches[*lineage.last[trial]];
    if (current.failed) found[event.trial] = {event.trial, event.epoch, current.at, event.reason};
  }
  std::vector<failed_trial> by_number;
  for (auto& [trial, one] : found) by_number.push_back(std::move(one));
  return by_number;
}

ROLEWISE_INLINE std::vector<ranked_trial> ranked_trials(const search_history& history,
                                                        std::int64_t evaluations)
{
  if (evaluations < 1)
    throw_invalid_argument("ranked_trials", "want at least 1 evaluation, got ", evaluations);
  const auto lineage = lineage_of(history);
  std::vector<ranked_trial> ranked;
  for (std::int64_t trial = 0; trial < history.trials; ++trial) {
    const auto scores = lineage.scores_of(trial);
    if (scores.empty()) continue;
    const auto count = std::min(scores.size(), static_cast<std::size_t>(evaluations));
    double sum = 0.0;
    for (auto i = scores.size() - count; i < scores.size(); ++i) sum += scores[i].score;
    const auto& current = lineage.stretches[*lineage.last[static_cast<std::size_t>(trial)]];
    if (current.failed) continue;
    ranked.push_back({trial, current.end, sum / static_cast<double>(count)});
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const ranked_trial& a, const ranked_trial& b) {
    return a.epochs != b.epochs ? a.epochs > b.epochs : a.mean > b.mean;
  });
  return ranked;
}

ROLEWISE_INLINE std::int64_t best_trial(const search_history& history, std::int64_t evaluations)
{
  const auto ranked = ranked_trials(history, evaluations);
  if (ranked.empty()) throw_invalid_argument("best_trial", "no trial has a score");
  return ranked.front().trial;
}

}  // namespace rolewise::search
