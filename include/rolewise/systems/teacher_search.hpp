// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `teacher_search`: stage one, the policies of the teacher.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/search/policy_history.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/search_lineage.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/systems/policy_search.hpp>
#include <rolewise/systems/search_cost.hpp>
#include <rolewise/systems/search_splits.hpp>
#include <rolewise/train/clip_gradients.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/learning_rate_schedule.hpp>
#include <rolewise/train/optimizer.hpp>
#include <rolewise/train/run_search.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/supervised.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace rolewise::systems {

/// Searches the policies under which a network learns best from labels, then trains one with them.
///
///     const teacher_search stage{
///         .network = [](const sample_shape& shape, seed own) {
///           return resnet14(shape, {.seed = own});
///         },
///         .strategy = population_based{.first = point_of(augmentation_policy{})},
///         .search = {.trials = 16, .epochs = 60, .evaluation_interval = 3},
///         .retraining = {.epochs = 60}};
///     const auto found = stage(splits, pad_crop_flip{});
///
/// Each trial is a `supervised` step. Its images are augmented by `policy_agent`, then by the
/// shared agent; its score is its accuracy on the validation part in evaluation mode.
template<typename New, search::SearchStrategy Strategy, Optimizer OptimizerType = sgd,
         LearningRateSchedule ScheduleType = cosine_annealing>
struct teacher_search {
  static_assert(Student<std::invoke_result_t<const New&, const sample_shape&, seed>>,
                "teacher_search: .network must be callable with a sample_shape and a seed, and "
                "give a Student");

  New network;  ///< `(const sample_shape&, seed)` returns a new network
  Strategy strategy{};
  OptimizerType optimizer{};
  ScheduleType schedule{};
  std::optional<clip_gradients> clipping{};
  search_run_options search{};
  retraining_options retraining{};
  std::int64_t evaluations =
      3;  ///< number of last scores that select the best trial, see `best_trial`

  /// @param shared agent applied to every image after the policy, in the search and after it
  /// @param callbacks as for `run_search`
  /// @par Determinism
  /// A function of the arguments, wall times aside.
  /// @throws std::invalid_argument if a part is empty or the search and validation parts overlap,
  ///         and as `run_search`
  template<AugmentationAgent Shared = pad_crop_flip, typename... Callbacks>
  [[nodiscard]] auto operator()(const search_splits& data, const Shared& shared = {},
                                Callbacks&&... callbacks) const
  {
    auto found = look_for_policies(data, shared, callbacks...);
    auto last = detail::retrained(
        training(data.all.shape, found.schedule(retraining.epochs), shared, retraining.seed),
        data.all, retraining);
    return stage_result{std::move(found), std::move(last)};
  }

  /// The search without the training after it.
  template<AugmentationAgent Shared = pad_crop_flip, typename... Callbacks>
  [[nodiscard]] auto look_for_policies(const search_splits& data, const Shared& shared = {},
                                       Callbacks&&... callbacks) const
  {
    detail::require_apart("teacher_search", data);
    auto trials = run_search(
        strategy, search::policy_space(),
        [&](const search::configuration& at, std::int64_t, seed own) {
          return training(data.all.shape, search::policy_at(at), shared, own);
        },
        [&](const auto& step) { return accuracy(step.evaluated(), data.validation); }, data.search,
        detail::evaluated_by(search, data.validation), callbacks...);
    found_policies<network_type> found;
    found.best = search::best_trial(trials.history, evaluations);
    found.policies = search_segments(trials.history, found.best);
    found.of_search = trials.steps[static_cast<std::size_t>(found.best)]->evaluated();
    found.cost = cost_of_search(data.search.size(), data.validation.size(), search);
    found.history = std::move(trials.history);
    return found;
  }

 private:
  using network_type = std::invoke_result_t<const New&, const sample_shape&, seed>;

  template<typename Shared>
  [[nodiscard]] auto training(const sample_shape& shape, policy_schedule policies,
                              const Shared& shared, seed own) const
  {
    return supervised{
        .student = network(shape, own.split(purpose{"network"})),
        .agent = compose{policy_agent{.policy = std::move(policies)}, shared},
        .optimizer = optimizer,
        .lr_schedule = schedule,
        .clipping = clipping,
        .seed = own.split(purpose{"views"}),
    };
  }
};

}  // namespace rolewise::systems
