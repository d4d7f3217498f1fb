// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Where a search strategy's trials are trained and compared.

#include <rolewise/core/error.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/search/detail/search_course.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/train/detail/trial_steps.hpp>
#include <rolewise/train/detail/trials_at_once.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/training_step.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
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
  /// Trials that are trained at the same time; at least 1. It changes nothing but the time: the
  /// judge is then called by several threads at once, the factory and the strategy by one.
  std::int64_t at_once = 1;
  /// LibTorch's threads within each trial, whatever `at_once`; bits depend on them as those of any
  /// training do. 0: as many as the calling thread has.
  std::int64_t threads_each = 0;
};

/// What a search has come to.
template<TrainingStep Step>
struct arena_result {
  std::vector<standing> standings;  ///< at the end, by number of the trial
  search_history history;
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

/// What makes the steps of an arena: `(point, number of the trial, seed of the trial)` gives one.
///
/// If it can also be called with `(step&, point, number, seed)`, that moves a step to another point
/// when its trial becomes a copy, after it has taken over the other's state; no network is made for
/// it then. It has to give the step what the factory would give a new one, and can't change what
/// states were started with, such as `sgd::momentum`.
///
///     struct maker {
///       auto operator()(const point& at, std::int64_t, seed own) const
///       {
///         return supervised{.student = resnet20(shape, {}, {}, {.seed = own}),
///                           .optimiser = sgd{.rate = at.real("rate")}};
///       }
///       void operator()(auto& step, const point& at, std::int64_t, seed) const
///       {
///         step.optimiser.rate = at.real("rate");
///       }
///     };
template<typename F>
concept TrialFactory =
    std::invocable<const F&, const point&, std::int64_t, seed> &&
    TrainingStep<std::invoke_result_t<const F&, const point&, std::int64_t, seed>>;

namespace detail {

template<typename Factory>
using step_of = std::invoke_result_t<const Factory&, const point&, std::int64_t, seed>;

inline void require_sound(const arena_options& o, const search_space& space)
{
  if (o.trials < 1 || o.epochs < 1 || o.epochs_per_round < 1)
    refuse("arena", "want trials, epochs and epochs_per_round >= 1, got ", o.trials, ", ", o.epochs,
           " and ", o.epochs_per_round);
  if (o.at_once < 1 || o.threads_each < 0 || o.threads_each > 4096)
    refuse("arena", "want at_once >= 1 and threads_each from 0 to 4096, got ", o.at_once, " and ",
           o.threads_each);
  if (space.dimensions().empty()) refuse("arena", "the space is empty: there is nothing to search");
  if (o.order.empty()) return;
  auto sorted = o.order;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<std::int64_t>(i) ||
        sorted.size() != static_cast<std::size_t>(o.trials))
      refuse("arena", "want each of the ", o.trials, " trials once in order, got ",
             c10::Join(" ", o.order));
}

/// Some trials, in the order in which the options want them trained.
[[nodiscard]] inline std::vector<std::int64_t> ordered(std::vector<std::int64_t> trials,
                                                       const std::vector<std::int64_t>& order)
{
  if (order.empty()) return trials;
  std::vector<std::int64_t> sorted;
  for (const auto i : order)
    if (std::find(trials.begin(), trials.end(), i) != trials.end()) sorted.push_back(i);
  return sorted;
}

/// Scores come as trials are done, and are handed on by number of the trial.
class scores_in_turn {
 public:
  explicit scores_in_turn(std::vector<std::int64_t> trials)
      : trials_{std::move(trials)}, scores_(trials_.size())
  {}

  struct score {
    double value = 0.0;
    double seconds = 0.0;
  };

  template<typename Next>
  void add(std::int64_t trial, score found, const Next& next)
  {
    const auto place = std::lower_bound(trials_.begin(), trials_.end(), trial) - trials_.begin();
    scores_[static_cast<std::size_t>(place)] = found;
    for (; next_ < scores_.size() && scores_[next_]; ++next_) next(trials_[next_], *scores_[next_]);
  }

 private:
  std::vector<std::int64_t> trials_;  // ascending
  std::vector<std::optional<score>> scores_;
  std::size_t next_ = 0;
};

}  // namespace detail

/// Runs a search in one process: asks the strategy, carries out what it decided, trains every trial
/// that goes on for a round, judges it, asks again, until all trials have finished.
///
///     const auto found = arena(random_search{}, space,
///         [&](const point& p, std::int64_t, seed own) {
///           return supervised{.student = resnet8(shape, {}, {}, {.seed = own}),
///                             .optimiser = sgd{.rate = p.real("rate")}};
///         },
///         [&](const auto& step) { return accuracy(step.learner(), judges); }, train,
///         {.trials = 8, .epochs = 4});
///
/// A round takes a trial from its own epoch to the next multiple of `epochs_per_round`, or to
/// `epochs`, where it has finished. Trials that wait train when they are started.
///
/// A trial that copies another is made by the factory at its new point (see `TrialFactory`) and
/// then takes over the other's state (`visit_state`): tensors are copied in memory, no file is
/// written. It stands where the other stood; the copy of a trial that has used its epochs is judged
/// at its new point without training. A trial may be copied after it was stopped.
///
/// @param factory see `TrialFactory`
/// @param judge `(const step&)` gives a score: finite, higher is better
///
/// @par Determinism
/// A function of its arguments, wall times aside. Trials know nothing of each other between two
/// looks, so neither the order in which they are trained nor how many are trained at once changes
/// anything.
/// @throws std::invalid_argument for an empty space, and for options or decisions that make no
/// sense
/// @throws std::runtime_error for a score that is not finite
template<SearchStrategy Strategy, TrialFactory Factory, typename Judge>
[[nodiscard]] auto arena(const Strategy& strategy, const search_space& space,
                         const Factory& factory, const Judge& judge, const dataset& data,
                         const arena_options& options)
{
  using step_type = detail::step_of<Factory>;
  using clock = std::chrono::steady_clock;
  constexpr bool looks_back = detail::looks_back<Strategy>();
  detail::require_sound(options, space);
  detail::search_course course{{.strategy = std::string{std::string_view{Strategy::name}},
                                .space = space,
                                .trials = options.trials,
                                .epochs = options.epochs,
                                .epochs_per_round = options.epochs_per_round,
                                .seed = options.seed,
                                .events = {}},
                               looks_back};
  detail::trial_steps<Factory, step_type> steps{factory, options.trials, options.seed, looks_back};
  const auto began = clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(clock::now() - began).count(); };

  const auto train = [&](std::int64_t trial) {
    auto& step = *steps[trial];
    fit(step, data,
        {.epochs = options.epochs,
         .batch_size = options.batch_size,
         .seed = steps.seed_of(trial).split(purpose{"order"}),
         .from = course.standings()[static_cast<std::size_t>(trial)].epoch,
         .until = course.end_of_round(trial)});
    return static_cast<double>(judge(std::as_const(step)));
  };
  while (!course.is_over()) {
    const auto decisions = course.checked(
        strategy(space, course.standings(), options.seed.split(purpose{"strategy"})));
    course.decide(decisions, seconds());
    steps.carry_out(decisions);
    const auto trials = course.in_training();
    detail::scores_in_turn scores{trials};
    detail::trials_at_once(detail::ordered(trials, options.order), options.at_once,
                           options.threads_each, train, [&](std::int64_t trial, double score) {
                             scores.add(trial, {score, seconds()},
                                        [&](std::int64_t next, const auto& found) {
                                          course.score(next, found.value, found.seconds);
                                        });
                           });
    course.end_round();
  }
  return arena_result<step_type>{course.standings(), course.history(), steps.take()};
}

}  // namespace rolewise
