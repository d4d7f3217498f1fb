// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Where a search strategy's trials are trained and compared.

#include <rolewise/core/error.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/train/arena_options.hpp>
#include <rolewise/train/detail/search_run.hpp>
#include <rolewise/train/search_observer.hpp>
#include <rolewise/train/training_step.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

namespace rolewise {

/// What a search has come to.
template<TrainingStep Step>
struct arena_result {
  std::vector<standing> standings;  ///< at the end, by number of the trial
  search_history history;
  /// By number of the trial; nothing if it never started or has failed.
  std::vector<std::optional<Step>> steps;

  /// The trial with the highest score, the first of equals; one that has failed has none.
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

template<typename Company, typename Strategy, typename Factory, typename Judge,
         typename... Observers>
[[nodiscard]] auto arena_in(Company& company, const Strategy& strategy, const search_space& space,
                            const Factory& factory, const Judge& judge, const dataset& data,
                            const arena_options& options, Observers&... observers)
{
  require_sound(options, space);
  const auto tell = [&](const auto& event) { (observers.see(event), ...); };
  using step_type = step_of<Factory>;
  search_run<Strategy, Factory, step_type, Judge, Company, decltype(tell)> run{
      strategy, space, factory, judge, data, options, company, tell};
  run.go();
  return arena_result<step_type>{run.course().standings(), run.course().history(),
                                 run.steps().take()};
}

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
/// A trial fails if it diverges (`rolewise::diverged` comes out of its step, of `fit` or of the
/// judge) or its score is not finite: what it has learned is thrown away, and the others go on. It
/// ranks last; the strategy stops it or makes it a copy of another one (`standing::failed`).
/// Anything else that is thrown ends the search.
///
/// @param judge `(const step&)` gives a score: higher is better
/// @param observers are told; see `SearchObserver`
///
/// @par Determinism
/// A function of its arguments, wall times aside. Trials know nothing of each other between two
/// looks, so neither the order in which they are trained nor how many are trained at once changes
/// anything.
/// @throws std::invalid_argument for an empty space, for options or decisions that make no sense,
///         and for a folder that holds another search: it says what differs
/// @throws std::runtime_error if every trial has failed: it names each, its point and the reason;
/// and
///         for a file that cannot be written or is damaged: it names the file and the byte
/// @throws what factory, step or judge throw: a std::invalid_argument as one, any other
///         std::exception as a std::runtime_error, with the trial and its point before it and the
///         original nested in it
template<SearchStrategy Strategy, TrialFactory Factory, typename Judge, SearchObserver... Observers>
[[nodiscard]] auto arena(const Strategy& strategy, const search_space& space,
                         const Factory& factory, const Judge& judge, const dataset& data,
                         const arena_options& options, Observers&&... observers)
{
  detail::no_company nobody;
  return detail::arena_in(nobody, strategy, space, factory, judge, data, options, observers...);
}

}  // namespace rolewise
