// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What counts as a search strategy: who looks at how trials do, and says what they shall try next.
///
/// data -> agent -> teacher/student -> loss -> train -> report, and back through [search]

#include <rolewise/core/seed.hpp>
#include <rolewise/search/space.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace rolewise {

/// In the past of a trial, in the place of a score: it had failed. Below every score.
inline constexpr double failed_score = -std::numeric_limits<double>::infinity();

/// What a trial had come to when standings were compared.
struct past_score {
  std::int64_t epoch = 0;  ///< epochs that it had been trained for
  double score = 0.0;      ///< finite, or minus infinity (`failed_score`) where it had failed
  point at;                ///< what it tried until then

  friend bool operator==(const past_score&, const past_score&) = default;
};

/// How one trial of a search does.
struct standing {
  std::int64_t trial = 0;  ///< its number, 0-based, its own for the whole search
  std::int64_t epoch = 0;  ///< epochs it has been trained for
  /// Higher is better; finite. Nothing before the first evaluation, and where the trial has failed.
  std::optional<double> score{};
  std::optional<point> at{};  ///< what it tries; nothing while it has not started
  bool finished = false;      ///< it has used its epochs or was stopped, and trains no more
  /// It has diverged (`rolewise::diverged`, or a score that is not finite) since it was started or
  /// became a copy: it cannot train on, and nobody can copy what it is. As a copy of another trial
  /// it has not failed any more.
  bool failed = false;
  /// Each score that it got under its own number, oldest first, this one the last of them. A copy
  /// of another trial keeps its own past: `score` is then the other's until it is judged again.
  std::vector<past_score> past{};

  friend bool operator==(const standing&, const standing&) = default;
};

/// Train on as before; to a trial that has not started: wait; to one that has failed: the same as
/// `stop_trial`, so that a strategy need not know of failures.
struct keep_trial {
  std::int64_t trial = 0;

  friend bool operator==(const keep_trial&, const keep_trial&) = default;
};

/// Train no more. A trial that had not started never will.
struct stop_trial {
  std::int64_t trial = 0;

  friend bool operator==(const stop_trial&, const stop_trial&) = default;
};

/// Begin, at this point.
struct start_trial {
  std::int64_t trial = 0;
  point at;
  /// The trial whose point this one was made from, where there is one. Nothing is copied from it:
  /// it is for whoever reads the history.
  std::optional<std::int64_t> parent{};

  friend bool operator==(const start_trial&, const start_trial&) = default;
};

/// Let trial `to` take over all that trial `from` has learned (weights, state of the optimiser,
/// statistics) and train on at this point.
struct copy_trial {
  std::int64_t from = 0;
  std::int64_t to = 0;
  point at;
  /// Take the other as it was this many looks at the standings ago: 0, or 1 from a strategy that
  /// says `static constexpr bool looks_back = true`. The copy then stands at the other's epoch of
  /// that time.
  std::int64_t looks_ago = 0;

  friend bool operator==(const copy_trial&, const copy_trial&) = default;
};

using decision = std::variant<keep_trial, stop_trial, start_trial, copy_trial>;

/// The trial that a decision changes.
[[nodiscard]] inline std::int64_t trial_of(const decision& made)
{
  if (const auto* copied = std::get_if<copy_trial>(&made)) return copied->to;
  if (const auto* started = std::get_if<start_trial>(&made)) return started->trial;
  if (const auto* stopped = std::get_if<stop_trial>(&made)) return stopped->trial;
  return std::get<keep_trial>(made).trial;
}

namespace strategy_must {

template<typename S>
concept turn_standings_into_decisions =
    requires(const S strategy, const search_space space, const std::vector<standing> standings,
             const seed draws) {
      { strategy(space, standings, draws) } -> std::same_as<std::vector<decision>>;
    };

template<typename S>
concept carry_a_name_for_the_report = requires {
  { S::name } -> std::convertible_to<std::string_view>;
};

}  // namespace strategy_must

/// Decides which configuration to try next. It proposes and never trains, and it remembers nothing:
/// all that it knows is in the standings, so a search can be resumed and replayed.
///
/// It is called before the first epoch, when nobody has started, and whenever standings are
/// compared; the seed is that of the search, the same in every call.
///
/// Promised beyond the syntax (`tests/laws/search_strategy.hpp`):
///   - every trial that has not finished gets one decision, every other none;
///   - a trial that has not started gets `start_trial`, `stop_trial` or `keep_trial` (it waits),
///     one that has gets one of the others; what is copied has started; somebody trains, unless all
///     are stopped;
///   - points lie in the space;
///   - a trial that has failed ranks below every other: it is stopped or becomes a copy of one that
///     has not failed, and is never copied, nor is a point made from its point;
///   - the same standings, in any order, get the same decisions under the same seed, in the order
///     of the standings; they are copied from what trials were before any decision was carried
///     out.
template<typename S>
concept SearchStrategy = std::copyable<S> && strategy_must::turn_standings_into_decisions<S> &&
                         strategy_must::carry_a_name_for_the_report<S>;

}  // namespace rolewise
