// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `run_search`: runs a hyperparameter search, training and scoring the trials of a search
/// strategy.

#include <rolewise/core/seed.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/search_run.hpp>
#include <rolewise/train/search_callback.hpp>
#include <rolewise/train/search_run_options.hpp>
#include <rolewise/train/training_step.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

namespace rolewise {

/// The result of a search: final trial states, history and the steps of the trials.
template<TrainingStep Step>
struct search_run_result {
  std::vector<search::trial_state> trial_states;  ///< at the end of the search, by trial number
  search::search_history history;
  /// By trial number; empty for a trial that never started or has failed.
  std::vector<std::optional<Step>> steps;

  /// Returns the trial with the highest score, the first among equals; failed trials have no
  /// score.
  /// @throws std::invalid_argument if no trial has a score
  [[nodiscard]] const search::trial_state& best() const
  {
    const search::trial_state* found = nullptr;
    for (const auto& s : trial_states)
      if (s.score && (found == nullptr || *s.score > *found->score)) found = &s;
    if (found == nullptr) throw_invalid_argument("run_search", "no trial has a score");
    return *found;
  }
};

/// A factory of training steps: `(configuration, trial number, trial seed)` returns the step of a
/// trial.
///
/// An optional overload `(step&, configuration, trial number, trial seed)` moves an existing step
/// to a new configuration when its trial becomes a copy, after it has taken over the donor's state;
/// no network is constructed then. It must set everything that the factory would set on a new step,
/// and cannot change what states were started with, such as `sgd::momentum`.
///
///     struct maker {
///       auto operator()(const search::configuration& at, std::int64_t, seed own) const
///       {
///         return supervised{.student = resnet20(shape, {}, {}, {.seed = own}),
///                           .optimizer = sgd{.learning_rate = at.real("rate")}};
///       }
///       void operator()(auto& step, const search::configuration& at, std::int64_t, seed) const
///       {
///         step.optimizer.learning_rate = at.real("rate");
///       }
///     };
template<typename F>
concept TrialFactory =
    std::invocable<const F&, const search::configuration&, std::int64_t, seed> &&
    TrainingStep<std::invoke_result_t<const F&, const search::configuration&, std::int64_t, seed>>;

namespace detail {

template<typename Factory>
using step_of =
    std::invoke_result_t<const Factory&, const search::configuration&, std::int64_t, seed>;

template<typename ProcessGroup, typename Strategy, typename Factory, typename Metric,
         typename... Callbacks>
[[nodiscard]] auto run_search_in(ProcessGroup& process_group, const Strategy& strategy,
                                 const search::search_space& space, const Factory& factory,
                                 const Metric& metric, const batch_source_reference& data,
                                 const search_run_options& options, Callbacks&... callbacks)
{
  require_sound(options, space);
  const auto tell = [&](const auto& event) { (callbacks.on(event), ...); };
  using step_type = step_of<Factory>;
  search_run<Strategy, Factory, step_type, Metric, ProcessGroup, decltype(tell)> run{
      strategy, space, factory, metric, data, options, process_group, tell};
  run.go();
  return search_run_result<step_type>{run.course().trial_states(), run.course().history(),
                                      run.steps().take()};
}

}  // namespace detail

/// Runs a hyperparameter search in one process. Until all trials have finished, each round calls
/// the strategy, carries out its decisions, trains every active trial and scores it with `metric`.
///
///     const auto found = run_search(search::random_search{}, space,
///         [&](const search::configuration& at, std::int64_t, seed own) {
///           return supervised{.student = resnet8(shape, {}, {}, {.seed = own}),
///                             .optimizer = sgd{.learning_rate = at.real("rate")}};
///         },
///         [&](const auto& step) { return accuracy(step.evaluated(), validation); }, train,
///         {.trials = 8, .epochs = 4});
///
/// A round trains a trial from its current epoch to the next multiple of `evaluation_interval`, or
/// to `epochs`, where it finishes. Waiting trials do not train until they are started.
///
/// A trial that copies another is constructed by the factory at its new configuration (see
/// `TrialFactory`) and then takes over the donor's state (`visit_state`): tensors are copied in
/// memory, no file is written. It continues from the donor's epoch; a copy of a trial that has
/// used its epochs is scored at its new configuration without training. A stopped trial can still
/// be copied.
///
/// A trial fails if it diverges (its step, `fit` or `metric` throws `rolewise::diverged`) or its
/// score is not finite: its state is discarded, and the other trials continue. It ranks last; the
/// strategy stops it or makes it a copy of another trial (`search::trial_state::failed`). Any other
/// exception ends the search.
///
/// @param factory see `TrialFactory`
/// @param metric `(const step&)` returns a score: higher is better
/// @param callbacks receive the events of the search; see `SearchCallback`
///
/// @par Determinism
/// A function of its arguments, wall times aside. Trials do not interact within a round, so
/// neither the order in which they are trained nor the number of concurrent trials affects the
/// results.
/// @throws std::invalid_argument for an empty space, for invalid options or decisions, and for a
///         folder that holds another search; the message lists what differs
/// @throws std::runtime_error if every trial has failed (the message lists each trial, its
///         configuration and the reason), and for a file that cannot be written or is damaged (the
///         message names the file and the byte)
/// @throws what factory, step or metric throw: a std::invalid_argument as one, any other
///         std::exception as a std::runtime_error, with the trial and its configuration prepended
///         to the message and the original exception nested
template<search::SearchStrategy Strategy, TrialFactory Factory, typename Metric, BatchSource Source,
         SearchCallback... Callbacks>
[[nodiscard]] auto run_search(const Strategy& strategy, const search::search_space& space,
                              const Factory& factory, const Metric& metric, const Source& data,
                              const search_run_options& options, Callbacks&&... callbacks)
{
  detail::single_process alone;
  return detail::run_search_in(alone, strategy, space, factory, metric, data, options,
                               callbacks...);
}

}  // namespace rolewise
