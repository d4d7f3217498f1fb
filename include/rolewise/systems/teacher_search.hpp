// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `teacher_search`: stage one, the policies of the teacher.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/augmentation_policy.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/agent/sequence.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/search/policy_history.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/search_lineage.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/systems/policy_search.hpp>
#include <rolewise/systems/search_cost.hpp>
#include <rolewise/systems/search_splits.hpp>
#include <rolewise/train/arena.hpp>
#include <rolewise/train/clip_gradients.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/optimiser.hpp>
#include <rolewise/train/schedule.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/supervised.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace rolewise {

/// Searches the policies under which a network learns best from labels, then trains one with them.
///
///     const teacher_search stage{
///         .network = [](const sample_shape& shape, seed own) {
///           return resnet14(shape, {.seed = own});
///         },
///         .strategy = population_based{.first = point_of(augmentation_policy{})},
///         .search = {.trials = 16, .epochs = 60, .epochs_per_round = 3},
///         .retraining = {.epochs = 60}};
///     const auto found = stage(splits, pad_crop_flip{});
///
/// Each trial is a `supervised` step. Its images are augmented by `policy_agent`, then by the
/// shared agent; its score is its accuracy on the validation part in evaluation mode.
template<typename New, SearchStrategy Strategy, Optimiser Method = sgd, Schedule Factor = cosine>
struct teacher_search {
  static_assert(Student<std::invoke_result_t<const New&, const sample_shape&, seed>>,
                "teacher_search: .network must be callable with a sample_shape and a seed, and "
                "give a Student");

  New network;  ///< `(const sample_shape&, seed)` returns a new network
  Strategy strategy{};
  Method optimiser{};
  Factor schedule{};
  std::optional<clip_gradients> clipping{};
  arena_options search{};
  retraining_options retraining{};
  std::int64_t looks = 3;  ///< number of last scores that select the best trial, see `best_trial`

  /// @param shared agent applied to every image after the policy, in the search and after it
  /// @param observers as for `arena`
  /// @par Determinism
  /// A function of the arguments, wall times aside.
  /// @throws std::invalid_argument if a part is empty or the search and validation parts overlap,
  ///         and as `arena`
  template<AugmentationAgent Shared = pad_crop_flip, typename... Observers>
  [[nodiscard]] auto operator()(const search_splits& data, const Shared& shared = {},
                                Observers&&... observers) const
  {
    auto found = look_for_policies(data, shared, observers...);
    auto last = detail::retrained(
        lesson(data.all.shape, found.schedule(retraining.epochs), shared, retraining.seed),
        data.all, retraining);
    return stage_result{std::move(found), std::move(last)};
  }

  /// The search without the training after it.
  template<AugmentationAgent Shared = pad_crop_flip, typename... Observers>
  [[nodiscard]] auto look_for_policies(const search_splits& data, const Shared& shared = {},
                                       Observers&&... observers) const
  {
    detail::require_apart("teacher_search", data);
    auto trials = arena(
        strategy, policy_space(),
        [&](const point& at, std::int64_t, seed own) {
          return lesson(data.all.shape, policy_at(at), shared, own);
        },
        [&](const auto& step) { return accuracy(step.learner(), data.validation); }, data.search,
        detail::judged_by(search, data.validation), observers...);
    found_policies<network_type> found;
    found.best = best_trial(trials.history, looks);
    found.policies = search_segments(trials.history, found.best);
    found.of_search = trials.steps[static_cast<std::size_t>(found.best)]->learner();
    found.cost = cost_of_search(data.search.size(), data.validation.size(), search);
    found.history = std::move(trials.history);
    return found;
  }

 private:
  using network_type = std::invoke_result_t<const New&, const sample_shape&, seed>;

  template<typename Shared>
  [[nodiscard]] auto lesson(const sample_shape& shape, policy_schedule policies,
                            const Shared& shared, seed own) const
  {
    return supervised{
        .student = network(shape, own.split(purpose{"network"})),
        .agent = sequence{policy_agent{.policy = std::move(policies)}, shared},
        .optimiser = optimiser,
        .schedule = schedule,
        .clipping = clipping,
        .seed = own.split(purpose{"views"}),
    };
  }
};

}  // namespace rolewise
