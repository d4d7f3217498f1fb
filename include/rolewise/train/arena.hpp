// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Where a search strategy's trials are trained and compared.

#include <rolewise/core/error.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/snapshot.hpp>
#include <rolewise/train/training_step.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise {

struct arena_options {
  std::int64_t trials = 4;            ///< at least 1
  std::int64_t epochs = 1;            ///< of each trial; at least 1
  std::int64_t epochs_per_round = 1;  ///< between two looks at the standings; at least 1
  std::int64_t batch_size = 128;
  rolewise::seed seed{0};  ///< of the strategy; each trial's own is split from it by its number
  /// The order in which the trials of a round are trained: their numbers, each once. It changes
  /// nothing. Empty: 0, 1, 2, ...
  std::vector<std::int64_t> order{};
};

/// One look at the standings, and what the strategy made of them.
struct arena_round {
  std::vector<standing> standings;  ///< before the decisions
  std::vector<decision> decisions;

  friend bool operator==(const arena_round&, const arena_round&) = default;
};

/// What a search has come to.
template<TrainingStep Step>
struct arena_result {
  std::vector<standing> standings;  ///< at the end, by number of the trial
  std::vector<arena_round> rounds;
  std::vector<std::optional<Step>> steps;  ///< by number of the trial; nothing if it never started

  /// The trial with the highest score, the first of equals.
  /// @throws std::invalid_argument if no trial has a score
  [[nodiscard]] const standing& best() const
  {
    const standing* found = nullptr;
    for (const auto& s : standings)
      if (s.score && (found == nullptr || *s.score > *found->score)) found = &s;
    if (found == nullptr) refuse("arena", "no trial has a score");
    return *found;
  }
};

namespace detail {

inline void require_sound(const arena_options& o)
{
  if (o.trials < 1 || o.epochs < 1 || o.epochs_per_round < 1)
    refuse("arena", "want trials, epochs and epochs_per_round >= 1, got ", o.trials, ", ", o.epochs,
           " and ", o.epochs_per_round);
  if (o.order.empty()) return;
  auto sorted = o.order;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<std::int64_t>(i) ||
        sorted.size() != static_cast<std::size_t>(o.trials))
      refuse("arena", "want each of the ", o.trials, " trials once in order, got ",
             c10::Join(" ", o.order));
}

/// The trials of one search.
template<typename Factory, typename Step>
class population {
 public:
  population(const Factory& factory, const arena_options& options)
      : factory_{factory}, options_{options}, steps_(static_cast<std::size_t>(options.trials))
  {
    for (std::int64_t i = 0; i < options.trials; ++i)
      standings_.push_back({.trial = i, .epoch = 0, .score = {}, .at = {}, .finished = false});
  }

  [[nodiscard]] std::vector<standing>& standings() { return standings_; }
  [[nodiscard]] std::optional<Step>& step(std::int64_t trial) { return steps_[place(trial)]; }
  [[nodiscard]] std::vector<std::optional<Step>> take() { return std::move(steps_); }

  [[nodiscard]] seed seed_of(std::int64_t trial) const
  {
    return options_.seed.split(purpose{"trial"}).split(static_cast<std::uint64_t>(trial));
  }

  /// Copies are made from what the trials were before, so the order of decisions changes nothing.
  void carry_out(const std::vector<decision>& decisions)
  {
    std::vector<std::pair<std::int64_t, Step>> copied;
    for (const auto& made : decisions) {
      const auto* copy = std::get_if<copy_trial>(&made);
      if (copy == nullptr) continue;
      auto& source = steps_[place(copy->from)];
      if (!source) refuse("arena", "trial ", copy->from, " is to be copied and has not started");
      copied.emplace_back(copy->to, factory_(copy->at, copy->to, seed_of(copy->to)));
      restore(copied.back().second, snapshot_of(*source), "copy of a trial");
      standings_[place(copy->to)].at = copy->at;
    }
    for (auto& [to, step] : copied) steps_[place(to)].emplace(std::move(step));
    for (const auto& made : decisions) {
      if (const auto* stopped = std::get_if<stop_trial>(&made))
        standings_[place(stopped->trial)].finished = true;
      if (const auto* started = std::get_if<start_trial>(&made)) {
        const auto i = place(started->trial);
        steps_[i].emplace(factory_(started->at, started->trial, seed_of(started->trial)));
        standings_[i].at = started->at;
      }
    }
  }

 private:
  [[nodiscard]] std::size_t place(std::int64_t trial) const
  {
    if (trial < 0 || trial >= options_.trials)
      refuse("arena", "the strategy decided on trial ", trial, " of ", options_.trials);
    return static_cast<std::size_t>(trial);
  }

  const Factory& factory_;
  const arena_options& options_;
  std::vector<std::optional<Step>> steps_;
  std::vector<standing> standings_;
};

}  // namespace detail

/// Runs a search in one process: asks the strategy, carries out what it decided, trains every trial
/// that goes on for a round, judges it, asks again.
///
///     const auto found = arena(random_search{}, space,
///         [&](const point& p, std::int64_t, seed own) {
///           return supervised{.student = resnet8(shape, {}, {}, {.seed = own}),
///                             .optimiser = sgd{.rate = p.real("rate")}};
///         },
///         [&](const auto& step) { return accuracy(step.learner(), judges); }, train,
///         {.trials = 8, .epochs = 4});
///
/// A trial that copies another is made by the factory at its new point and then takes over the
/// other's state (`visit_state`): tensors are copied in memory, no file is written.
///
/// @param factory `(point, number of the trial, seed of the trial)` gives a training step
/// @param judge `(const step&)` gives a score: finite, higher is better
///
/// @par Determinism
/// A function of its arguments. Trials know nothing of each other between two looks, so the order
/// in which they are trained changes nothing.
/// @throws std::invalid_argument for options or decisions that make no sense
/// @throws std::runtime_error for a score that is not finite
template<SearchStrategy Strategy, typename Factory, typename Judge>
  requires std::invocable<const Factory&, const point&, std::int64_t, seed> &&
           TrainingStep<std::invoke_result_t<const Factory&, const point&, std::int64_t, seed>>
[[nodiscard]] auto arena(const Strategy& strategy, const search_space& space,
                         const Factory& factory, const Judge& judge, const dataset& data,
                         const arena_options& options)
{
  using step_type = std::invoke_result_t<const Factory&, const point&, std::int64_t, seed>;
  detail::require_sound(options);
  detail::population<Factory, step_type> trials{factory, options};
  arena_result<step_type> result;

  auto order = options.order;
  if (order.empty())
    for (std::int64_t i = 0; i < options.trials; ++i) order.push_back(i);

  auto& standings = trials.standings();
  for (std::int64_t begin = 0; begin < options.epochs; begin += options.epochs_per_round) {
    const auto end = std::min(begin + options.epochs_per_round, options.epochs);
    auto decisions = strategy(space, standings, options.seed.split(purpose{"strategy"}));
    result.rounds.push_back({standings, decisions});
    trials.carry_out(decisions);
    for (const auto i : order) {
      auto& now = standings[static_cast<std::size_t>(i)];
      if (now.finished) continue;
      auto& step = trials.step(i);
      if (!step) refuse("arena", "the strategy neither started nor stopped trial ", i);
      fit(*step, data,
          {.epochs = options.epochs,
           .batch_size = options.batch_size,
           .seed = trials.seed_of(i).split(purpose{"order"}),
           .from = begin,
           .until = end});
      const double score = judge(std::as_const(*step));
      if (!std::isfinite(score))
        fail("arena", "the score of trial ", i, " after ", end, " epochs is ", score);
      now.epoch = end;
      now.score = score;
      now.finished = end == options.epochs;
    }
    if (std::all_of(standings.begin(), standings.end(), [](const auto& s) { return s.finished; }))
      break;
  }
  result.standings = standings;
  result.steps = trials.take();
  return result;
}

}  // namespace rolewise
