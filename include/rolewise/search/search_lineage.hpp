// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The lineage of the trials of a search, and the ranking of trials.

#include <rolewise/search/configuration.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::search {

/// A stretch of training: the epochs under one trial number at one configuration, from a start or a
/// copy to the next copy or to the end.
struct lineage_stretch {
  std::int64_t trial = 0;
  std::int64_t begin = 0;  ///< epochs that its initial state had been trained for
  std::int64_t end = 0;    ///< epochs at its last score, or after the round in which it failed
  /// The stretch whose state it took over at epoch `begin`. That one may have continued
  /// afterwards.
  std::optional<std::size_t> parent{};
  configuration at;
  std::vector<past_score> scores{};  ///< recorded in this stretch, oldest first
  bool stopped = false;              ///< the trial was stopped at its end
  bool failed = false;               ///< the trial failed at its end
};

/// The stretches of all trials, in the order of the history.
struct search_lineage {
  std::vector<lineage_stretch> stretches;
  std::vector<std::optional<std::size_t>> last;  ///< of each trial; empty if it never started

  /// A trial's last stretch and its ancestors, oldest first; empty for one that never started.
  [[nodiscard]] std::vector<std::size_t> ancestry(std::int64_t trial) const
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

  /// The scores along the ancestry of a trial's final state, oldest first. Scores that an
  /// ancestor recorded after it was copied are left out.
  [[nodiscard]] std::vector<past_score> scores_of(std::int64_t trial) const
  {
    std::vector<past_score> scores;
    const auto path = ancestry(trial);
    for (std::size_t i = 0; i < path.size(); ++i)
      for (const auto& score : stretches[path[i]].scores)
        if (i + 1 == path.size() || score.epoch <= stretches[path[i + 1]].begin)
          scores.push_back(score);
    return scores;
  }

  /// Whether a stretch ends with neither a stop nor a failure.
  [[nodiscard]] bool is_left(std::size_t stretch) const
  {
    return !stretches[stretch].stopped && !stretches[stretch].failed;
  }

  /// The number of founders left: trials started without a copy that are ancestors of the final
  /// states of trials, stopped and failed ones aside. 1 means that a population has collapsed
  /// into one family.
  [[nodiscard]] std::int64_t founders_left() const
  {
    std::vector<std::size_t> roots;
    for (std::size_t trial = 0; trial < last.size(); ++trial)
      if (last[trial] && is_left(*last[trial]))
        roots.push_back(ancestry(static_cast<std::int64_t>(trial)).front());
    std::sort(roots.begin(), roots.end());
    return std::unique(roots.begin(), roots.end()) - roots.begin();
  }
};

namespace detail {

/// Replays a history and records, for each round, which stretch each trial was in.
class lineage_reader {
 public:
  explicit lineage_reader(std::int64_t trials)
  {
    if (trials < 0) throw_invalid_argument("search_lineage", "the history has ", trials, " trials");
    found_.last.resize(static_cast<std::size_t>(trials));
  }

  void read(const search_event& event, std::size_t number)
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

  [[nodiscard]] search_lineage finished() { return std::move(found_); }

 private:
  struct stand {
    std::optional<std::size_t> stretch{};
    std::int64_t epoch = 0;
  };

  /// Records the state before any decision of the round, which is what copies are made of. A
  /// round without decisions counts as well: its states may be copied in the next one.
  void look(std::int64_t round)
  {
    round_ = round;
    auto& current = evaluations_.emplace_back();
    for (const auto& last : found_.last)
      current.push_back({last, last ? found_.stretches[*last].end : 0});
  }

  /// The stretch that a trial was in when it had reached the epoch; some strategies copy the
  /// state of one round ago.
  [[nodiscard]] std::size_t stretch_of(std::int64_t trial, std::int64_t epoch) const
  {
    const auto at = place(trial);
    for (auto look = evaluations_.rbegin(); look != evaluations_.rend(); ++look)
      if (const auto& then = (*look)[at]; then.stretch && then.epoch == epoch) return *then.stretch;
    wrong("copies a trial at an epoch that it was never looked at");
  }

  [[nodiscard]] std::size_t place(std::int64_t trial) const
  {
    if (trial < 0 || trial >= static_cast<std::int64_t>(found_.last.size()))
      wrong("is about a trial that the history does not have");
    return static_cast<std::size_t>(trial);
  }

  [[noreturn]] void wrong(const char* what) const
  {
    throw_invalid_argument("search_lineage", "event ", number_, " ", what);
  }

  search_lineage found_;
  std::vector<std::vector<stand>> evaluations_;
  std::int64_t round_ = -1;  // before the first round
  std::size_t number_ = 0;
};

}  // namespace detail

/// Reconstructs the lineage from a history.
/// @throws std::invalid_argument with the number of the first event that cannot follow those
///         before it
[[nodiscard]] inline search_lineage lineage_of(const search_history& history)
{
  detail::lineage_reader reader{history.trials};
  for (std::size_t i = 0; i < history.events.size(); ++i) reader.read(history.events[i], i);
  return reader.finished();
}

/// A trial with the values that it is ranked by.
struct ranked_trial {
  std::int64_t trial = 0;
  std::int64_t epochs = 0;  ///< trained so far
  double mean = 0.0;        ///< of the last scores
};

/// A trial that has failed and has not become a copy of another one since.
struct failed_trial {
  std::int64_t trial = 0;
  std::int64_t epoch = 0;  ///< after the round in which it failed
  configuration at;        ///< configuration that failed
  std::string reason;

  friend bool operator==(const failed_trial&, const failed_trial&) = default;
};

/// The trials that are failed at the end of the history, by number.
/// @throws std::invalid_argument as `lineage_of(history)`
[[nodiscard]] inline std::vector<failed_trial> failed_trials(const search_history& history)
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

/// The trials that have a score and have not failed, best first: by epochs trained (most first),
/// then by the mean of the last `evaluations` scores along their ancestry (fewer if there are
/// fewer), then by number. A mean, because the highest of many noisy scores is mostly luck.
/// @param evaluations scores to average, at least 1
/// @throws std::invalid_argument for `evaluations` below 1, and as `lineage_of(history)`
[[nodiscard]] inline std::vector<ranked_trial> ranked_trials(const search_history& history,
                                                             std::int64_t evaluations = 3)
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

/// The best trial: the first of `ranked_trials`.
/// @throws std::invalid_argument if no trial has a score or all that have one have failed since,
///         and as `ranked_trials`
[[nodiscard]] inline std::int64_t best_trial(const search_history& history,
                                             std::int64_t evaluations = 3)
{
  const auto ranked = ranked_trials(history, evaluations);
  if (ranked.empty()) throw_invalid_argument("best_trial", "no trial has a score");
  return ranked.front().trial;
}

}  // namespace rolewise::search
