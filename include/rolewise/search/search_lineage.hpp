// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The lineage of the trials of a search, and the ranking of trials.

#include <rolewise/search/configuration.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
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
  [[nodiscard]] std::vector<std::size_t> ancestry(std::int64_t trial) const;

  /// The scores along the ancestry of a trial's final state, oldest first. Scores that an
  /// ancestor recorded after it was copied are left out.
  [[nodiscard]] std::vector<past_score> scores_of(std::int64_t trial) const;

  /// Whether a stretch ends with neither a stop nor a failure.
  [[nodiscard]] bool is_left(std::size_t stretch) const
  {
    return !stretches[stretch].stopped && !stretches[stretch].failed;
  }

  /// The number of founders left: trials started without a copy that are ancestors of the final
  /// states of trials, stopped and failed ones aside. 1 means that a population has collapsed
  /// into one family.
  [[nodiscard]] std::int64_t founders_left() const;
};

namespace detail {

/// Replays a history and records, for each round, which stretch each trial was in.
class lineage_reader {
 public:
  explicit lineage_reader(std::int64_t trials);

  void read(const search_event& event, std::size_t number);

  [[nodiscard]] search_lineage finished() { return std::move(found_); }

 private:
  struct stand {
    std::optional<std::size_t> stretch{};
    std::int64_t epoch = 0;
  };

  /// Records the state before any decision of the round, which is what copies are made of. A
  /// round without decisions counts as well: its states may be copied in the next one.
  void look(std::int64_t round);

  /// The stretch that a trial was in when it had reached the epoch; some strategies copy the
  /// state of one round ago.
  [[nodiscard]] std::size_t stretch_of(std::int64_t trial, std::int64_t epoch) const;

  [[nodiscard]] std::size_t place(std::int64_t trial) const;

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
[[nodiscard]] ROLEWISE_INLINE search_lineage lineage_of(const search_history& history);

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
[[nodiscard]] ROLEWISE_INLINE std::vector<failed_trial> failed_trials(
    const search_history& history);

/// The trials that have a score and have not failed, best first: by epochs trained (most first),
/// then by the mean of the last `evaluations` scores along their ancestry (fewer if there are
/// fewer), then by number. A mean, because the highest of many noisy scores is mostly luck.
/// @param evaluations scores to average, at least 1
/// @throws std::invalid_argument for `evaluations` below 1, and as `lineage_of(history)`
[[nodiscard]] ROLEWISE_INLINE std::vector<ranked_trial> ranked_trials(const search_history& history,
                                                                      std::int64_t evaluations = 3);

/// The best trial: the first of `ranked_trials`.
/// @throws std::invalid_argument if no trial has a score or all that have one have failed since,
///         and as `ranked_trials`
[[nodiscard]] ROLEWISE_INLINE std::int64_t best_trial(const search_history& history,
                                                      std::int64_t evaluations = 3);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/search_lineage.hpp>
#endif
