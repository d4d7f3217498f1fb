// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `student_search`: stage two, the policies of the student under a teacher.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/agent/same_view.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/network/copy_weights.hpp>
#include <rolewise/policy/searched_schedule.hpp>
#include <rolewise/search/policy_history.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/search_lineage.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/systems/detail/policy_holder.hpp>
#include <rolewise/systems/policy_search.hpp>
#include <rolewise/systems/search_cost.hpp>
#include <rolewise/systems/search_rewards.hpp>
#include <rolewise/systems/search_splits.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/teacher/shared_teacher.hpp>
#include <rolewise/train/clip_gradients.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/learning_rate_schedule.hpp>
#include <rolewise/train/optimizer.hpp>
#include <rolewise/train/run_search.hpp>
#include <rolewise/train/sgd.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace rolewise::systems {

/// Teacher input, instead of `same_view`: the teacher is given its own view of each image,
/// made under the policies that were found for it, stretched to the epochs of the student.
struct teachers_policies {};

/// The teachers of students, during a search and after it.
template<typename Network>
struct search_teachers {
  Network of_search;  ///< must not have learned from a validation example, directly or by copying
  Network after_search;
  std::vector<search_segment> policies{};  ///< for `teachers_policies`
};

/// The teachers that stage one has trained.
/// @param stage_one from a search that trained networks
template<typename Network>
[[nodiscard]] search_teachers<Network> teachers_from(const stage_result<Network>& stage_one)
{
  if (!stage_one.found.of_search)
    throw_invalid_argument("teachers_from", "the search trained no network");
  return {*stage_one.found.of_search, stage_one.retrained.network, stage_one.found.policies};
}

/// Searches the policies under which a student learns best from a teacher, then trains a student
/// with them.
///
///     const student_search stage{
///         .network = [](const sample_shape& shape, seed own) {
///           return resnet8(shape, dorefa{}, inner_bits<2>, {.seed = own});
///         },
///         .strategy = population_based{.first = point_of(augmentation_policy{})},
///         .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{temperature{4}},
///         .search = {.trials = 16, .epochs = 60, .evaluation_interval = 3},
///         .retraining = {.epochs = 60}};
///     const auto found = stage(splits, teachers, pad_crop_flip{});
///
/// Each trial is a `distillation` under `search_teachers::of_search`; the student's policy is
/// applied to images first, then the shared agent. The search maximizes `reward`. With a reward
/// that trains no student, the search trains nothing, and the last policy of its best trial is
/// used for the whole training after it.
template<typename New, search::SearchStrategy Strategy, typename Loss, typename View = same_view,
         typename Reward = student_accuracy, Optimizer OptimizerType = sgd,
         LearningRateSchedule ScheduleType = cosine_annealing>
struct student_search {
  static_assert(Student<std::invoke_result_t<const New&, const sample_shape&, seed>>,
                "student_search: .network must be callable with a sample_shape and a seed, and "
                "give a Student");
  static_assert(std::same_as<View, same_view> || std::same_as<View, teachers_policies>,
                "student_search: .teacher_input must be same_view{} or teachers_policies{}");

  New network;  ///< `(const sample_shape&, seed)` returns a new network
  Strategy strategy{};
  Loss loss;
  View teacher_input{};
  Reward reward{};
  OptimizerType optimizer{};
  ScheduleType schedule{};
  std::optional<clip_gradients> clipping{};
  /// Whether each student starts with the weights of its teacher where names and shapes agree, as
  /// in Role-KD.
  bool starts_from_teacher = true;
  search_run_options search{};
  retraining_options retraining{};
  /// Number of last scores by which the best trial is chosen, see `best_trial`. Always 1 if no
  /// student is trained, since such scores belong to single policies.
  std::int64_t evaluations = 3;

  /// @param shared agent applied to every image after the policy, in the search and after it
  /// @param callbacks as for `run_search`
  /// @par Determinism
  /// A function of the arguments, wall times aside.
  /// @throws std::invalid_argument if a part is empty or the search and validation parts overlap,
  ///         if a student that starts from its teacher shares no tensor with it, and as
  ///         `run_search`
  template<typename TeacherType, AugmentationAgent Shared = pad_crop_flip, typename... Callbacks>
  [[nodiscard]] auto operator()(const search_splits& data,
                                const search_teachers<TeacherType>& teachers,
                                const Shared& shared = {}, Callbacks&&... callbacks) const
  {
    auto found = look_for_policies(data, teachers, shared, callbacks...);
    auto last = train_under(policy_agent{.policy = found.schedule(retraining.epochs)}, data,
                            teachers, shared);
    return stage_result{std::move(found), std::move(last)};
  }

  /// The search without the training after it.
  template<typename TeacherType, AugmentationAgent Shared = pad_crop_flip, typename... Callbacks>
  [[nodiscard]] auto look_for_policies(const search_splits& data,
                                       const search_teachers<TeacherType>& teachers,
                                       const Shared& shared = {}, Callbacks&&... callbacks) const
  {
    detail::require_apart("student_search", data);
    const shared_teacher teacher{frozen(teachers.of_search)};
    auto cost =
        cost_of_search(data.search.size(), data.validation.size(), search, {.teacher = 1.0});
    cost.validation *= reward.passes();
    const auto options = detail::evaluated_by(
        search, data.validation,
        {teacher.fingerprint(), sum_of(teachers.policies), detail::settings_sum(reward)});
    if constexpr (Reward::trains_student) {
      const auto teachers_agent = agent_of_teacher(teachers, search.epochs);
      auto trials = run_search(
          strategy, search::policy_space(),
          [&](const search::configuration& at, std::int64_t, seed own) {
            return training(data.all.shape, teachers.of_search, teacher, teachers_agent,
                            policy_agent{.policy = search::policy_at(at)}, shared, own);
          },
          [&](const auto& step) { return reward(step.evaluated(), data.validation); }, data.search,
          options, callbacks...);
      found_policies<network_type> found;
      found.best = search::best_trial(trials.history, evaluations);
      found.policies = search_segments(trials.history, found.best);
      found.of_search = trials.steps[static_cast<std::size_t>(found.best)]->evaluated();
      found.cost = cost;
      found.history = std::move(trials.history);
      return found;
    } else {
      const auto nothing = subset(data.search, at::zeros({1}, torch::kLong));
      auto trials = run_search(
          strategy, search::policy_space(),
          [&](const search::configuration& at, std::int64_t, seed) {
            return detail::policy_holder{{.policy = search::policy_at(at)}};
          },
          [&](const auto& step) { return reward(teacher, step.agent, data.validation); }, nothing,
          options, callbacks...);
      found_policies<network_type> found;
      found.best = search::best_trial(trials.history, 1);
      const auto& last = *trials.trial_states[static_cast<std::size_t>(found.best)].at;
      found.policies = {{search.epochs, search::policy_at(last)}};
      found.cost = {.training = 0.0, .validation = cost.validation};
      found.history = std::move(trials.history);
      return found;
    }
  }

  /// The training without the search, with any agent for the student: the baseline of a search.
  /// The student is trained on all examples under `search_teachers::after_search`.
  template<AugmentationAgent Agent, typename TeacherType, AugmentationAgent Shared = pad_crop_flip>
  [[nodiscard]] auto train_under(const Agent& students_agent, const search_splits& data,
                                 const search_teachers<TeacherType>& teachers,
                                 const Shared& shared = {}) const
  {
    return detail::retrained(training(data.all.shape, teachers.after_search,
                                      shared_teacher{frozen(teachers.after_search)},
                                      agent_of_teacher(teachers, retraining.epochs), students_agent,
                                      shared, retraining.seed),
                             data.all, retraining);
  }

 private:
  using network_type = std::invoke_result_t<const New&, const sample_shape&, seed>;

  /// Checksum of the policies; 0 if the teacher does not use them.
  [[nodiscard]] static std::uint64_t sum_of(const std::vector<search_segment>& policies)
  {
    if constexpr (std::same_as<View, same_view>) return 0;
    checksum sum;
    for (const auto& segment : policies) {
      sum.add(static_cast<std::uint64_t>(segment.epochs));
      for (const auto level : segment.policy.levels()) sum.add(static_cast<std::uint64_t>(level));
    }
    return sum.value();
  }

  template<typename TeacherType>
  [[nodiscard]] static auto agent_of_teacher(const search_teachers<TeacherType>& teachers,
                                             std::int64_t epochs)
  {
    if constexpr (std::same_as<View, same_view>)
      return same_view{};
    else
      return policy_agent{.policy = stretched(teachers.policies, epochs)};
  }

  template<typename TeacherType, typename TeacherAgentType, typename StudentAgentType,
           typename Shared>
  [[nodiscard]] auto training(const sample_shape& shape, const TeacherType& start,
                              const shared_teacher<frozen_teacher<TeacherType>>& teacher,
                              const TeacherAgentType& teachers_agent,
                              const StudentAgentType& students_agent, const Shared& shared,
                              seed own) const
  {
    auto student = network(shape, own.split(purpose{"network"}));
    if (starts_from_teacher)
      (void)copy_weights(start, student, {.other_shape = on_other_shape::leave, .partial = true});
    return distillation{
        .teacher = teacher,
        .student = std::move(student),
        .teacher_agent = teachers_agent,
        .student_agent = students_agent,
        .shared_agent = shared,
        .loss = loss,
        .optimizer = optimizer,
        .lr_schedule = schedule,
        .clipping = clipping,
        .seed = own.split(purpose{"views"}),
    };
  }
};

}  // namespace rolewise::systems
