// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `SearchStrategy` concept: maps trial results to decisions (start, keep, stop or copy).
///
/// data -> agent -> teacher/student -> loss -> train -> report, and back through [search]

#include <rolewise/core/seed.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/inline.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace rolewise::search {

/// The score that `trial_state::past` records for a failure. Below every score.
inline constexpr double failed_score = -std::numeric_limits<double>::infinity();

/// One entry in the score history of a trial.
struct past_score {
  std::int64_t epoch = 0;  ///< epochs trained by then
  double score = 0.0;      ///< finite, or minus infinity (`failed_score`) for a failure
  configuration at;        ///< configuration in use until then

  friend bool operator==(const past_score&, const past_score&) = default;
};

/// State of one trial of a search, as passed to a strategy.
struct trial_state {
  std::int64_t trial = 0;  ///< 0-based number, unique in the whole search
  std::int64_t epoch = 0;  ///< epochs trained so far
  /// Higher is better; finite. Empty before the first evaluation, and if the trial has failed.
  std::optional<double> score{};
  std::optional<configuration> at{};  ///< configuration; empty while the trial has not started
  bool finished = false;              ///< used up its epochs or was stopped; trains no more
  /// Whether it has diverged (`rolewise::diverged`, or a score that is not finite) since it
  /// started or last became a copy. A failed trial can neither train on nor be copied. Once it
  /// becomes a copy of another trial, it no longer counts as failed.
  bool failed = false;
  /// All scores recorded under its own number, oldest first; the last is the current one. A copy
  /// keeps its own history: until it is evaluated, `score` is the donor's.
  std::vector<past_score> past{};

  friend bool operator==(const trial_state&, const trial_state&) = default;
};

/// Decision: continue unchanged. For a trial that has not started: keep waiting. For a failed
/// trial: the same as `stop_trial`, so that a strategy need not handle failures.
struct keep_trial {
  std::int64_t trial = 0;

  friend bool operator==(const keep_trial&, const keep_trial&) = default;
};

/// Decision: end training. A trial that had not started never starts.
struct stop_trial {
  std::int64_t trial = 0;

  friend bool operator==(const stop_trial&, const stop_trial&) = default;
};

/// Decision: start training at this configuration.
struct start_trial {
  std::int64_t trial = 0;
  configuration at;
  /// The trial whose configuration this one was derived from, if any. Nothing is copied from it; it
  /// is only recorded in the history.
  std::optional<std::int64_t> parent{};

  friend bool operator==(const start_trial&, const start_trial&) = default;
};

/// Decision: trial `to` takes over the full state of trial `from` (weights, optimizer state,
/// statistics) and continues at this configuration.
struct exploit_trial {
  std::int64_t from = 0;
  std::int64_t to = 0;
  configuration at;
  /// How many rounds old the donor's state is: 0, or 1 for a strategy with
  /// `static constexpr bool reads_history = true`. The copy then continues from the donor's epoch
  /// of that round.
  std::int64_t evaluations_ago = 0;

  friend bool operator==(const exploit_trial&, const exploit_trial&) = default;
};

/// A decision of a search strategy.
using decision = std::variant<keep_trial, stop_trial, start_trial, exploit_trial>;

/// The trial that a decision applies to.
[[nodiscard]] ROLEWISE_INLINE std::int64_t trial_of(const decision& made);

namespace strategy_must {

template<typename S>
concept turn_trial_states_into_decisions =
    requires(const S strategy, const search_space space,
             const std::vector<trial_state> trial_states, const seed draws) {
      { strategy(space, trial_states, draws) } -> std::same_as<std::vector<decision>>;
    };

template<typename S>
concept carry_a_name_for_the_report = requires {
  { S::name } -> std::convertible_to<std::string_view>;
};

}  // namespace strategy_must

/// Decides which configurations to try next. A strategy proposes and never trains. It is
/// stateless: its only input is the trial states, so a search can be resumed and replayed.
///
/// Called before the first epoch, when no trial has started, and at the start of every later
/// round; the seed is that of the search, the same in every call.
///
/// Semantic requirements (`tests/laws/search_strategy.hpp`):
///   - every trial that has not finished gets exactly one decision, every other trial none;
///   - a trial that has not started gets `start_trial`, `stop_trial` or `keep_trial` (it waits),
///     a started one `keep_trial`, `stop_trial` or `exploit_trial`; the donor of a copy has
///     started; at least one trial trains, unless all are stopped;
///   - configurations lie in the space;
///   - a failed trial ranks below every other: it is stopped or becomes a copy of a trial that
///     has not failed; it is never a donor, and no configuration is derived from its configuration;
///   - the same trial states, in any order, get the same decisions under the same seed, returned in
///     the order of the trial states; copies are made of the states before any decision is carried
///     out.
template<typename S>
concept SearchStrategy = std::copyable<S> && strategy_must::turn_trial_states_into_decisions<S> &&
                         strategy_must::carry_a_name_for_the_report<S>;

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/search_strategy.hpp>
#endif
