// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `supervised` training step: trains a student on labels.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/independent_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/view_of.hpp>
#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/train/detail/learner_state.hpp>
#include <rolewise/train/detail/learning_rate.hpp>
#include <rolewise/train/learning_rate_schedule.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/top_k_accuracy.hpp>
#include <rolewise/train/trainable.hpp>
#include <rolewise/train/training_step.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace rolewise {

/// Training step on labels alone: trains teachers, and is the baseline of every distillation.
///
///     supervised pretraining{.student = resnet20(shape), .agent = trivial_augment{}};
///     fit(pretraining, data, {.epochs = 4});
///
/// One step computes, in order: the agent's view under `seed.split(role::student)` (`view_of`),
/// the student's forward pass, the loss, the backward pass, gradient clipping, the optimizer's
/// update at learning rate `optimizer.learning_rate * lr_schedule(training_progress)`, the moving
/// average. Metrics: `loss`, the terms of a weighted sum, `.metric` (of the augmented batch,
/// before the update; the accuracy by default). Does not synchronize with the device.
///
/// The state of the optimizer and of the average is created by the first step (or the first
/// `visit_state`) and is kept: a second `fit` continues with it. A copy of a step is deep.
///
/// @par Determinism
/// The same members, batches and training progress give the same bits, for the same number of
/// threads.
template<typename StudentType = detail::missing, typename Agent = no_agent,
         typename Loss = cross_entropy, typename OptimizerType = sgd,
         typename ScheduleType = cosine_annealing, typename MetricType = top_k_accuracy>
struct supervised {
  static_assert(Student<StudentType>,
                "supervised: .student must satisfy Student (rolewise/student/student.hpp)");
  static_assert(AugmentationAgent<Agent>,
                "supervised: .agent must satisfy AugmentationAgent; no_agent{} changes nothing");
  static_assert(Stateful<Agent>,
                "supervised: .agent must show its state (visit_state) or say has_state = false");
  static_assert(!HasParameters<Agent>,
                "supervised: .agent has parameters, which this step would never update; compose a "
                "step in which a learner trains it (rolewise/train/learner.hpp)");
  static_assert(SupervisedLoss<Loss> || !loss_must::turn_outputs_into_one_tensor<Loss> ||
                    loss_must::carry_a_name_for_the_report<Loss>,
                "supervised: .loss must carry_a_name_for_the_report: give it static constexpr "
                "std::string_view name");
  static_assert(
      SupervisedLoss<Loss>,
      "supervised: .loss must satisfy SupervisedLoss, such as cross_entropy{}: a LossFunction "
      "that says reads_teacher = false; a loss against a teacher belongs into a "
      "distillation");
  static_assert(Stateful<Loss>,
                "supervised: .loss must show its state (visit_state) or say has_state = false");
  static_assert(teacher_taps<Loss>().empty(),
                "supervised: .loss declares teacher_taps, but there is no teacher");
  static_assert(detail::taps_are_offered<student_taps<Loss>(), Loss, StudentType>(),
                "supervised: .loss wants a tap that .student does not offer");
  static_assert(Optimizer<OptimizerType>,
                "supervised: .optimizer must satisfy Optimizer, such as sgd{}");
  static_assert(
      LearningRateSchedule<ScheduleType>,
      "supervised: .lr_schedule must satisfy LearningRateSchedule, such as cosine_annealing{}");

  static_assert(StepMetric<MetricType>,
                "supervised: .metric must satisfy Metric, such as top_k_accuracy{}, or be "
                "no_metric{}");

  StudentType student;  // no initializer: the step is default-constructible only if the student is
  Agent agent{};
  Loss loss{};
  OptimizerType optimizer{};
  ScheduleType lr_schedule{};
  std::optional<clip_gradients> clipping{};  ///< empty: no gradient clipping
  std::optional<rolewise::ema> ema{};        ///< empty: no moving average
  rolewise::seed seed{0};                    ///< of the views
  MetricType metric{};                       ///< of the augmented batches, beside the loss

  detail::learner_state<StudentType, OptimizerType>
      learner_state{};  ///< state between steps; internal, do not set

  metrics operator()(const batch& examples, const training_progress& progress)
  {
    const auto learned = begin(progress);
    return learn(
        view_of(agent, examples, progress, seed.split(role::student),
                detail::wanted_form(examples, detail::device_of(learned)), learner_state.buffers()),
        progress, learned);
  }

  /// Returns a function that makes the agent's view without the step; see `PreparingStep`.
  [[nodiscard]] auto preparation()
    requires IndependentAgent<Agent>
  {
    const auto home = detail::device_of(detail::trainable_parameters(student, loss));
    return [maker = agent, key = seed.split(role::student), home](
               const batch& examples, const training_progress& progress, buffer_pool& buffers) {
      return detail::pinned_for(home, view_of(maker, examples, progress, key,
                                              detail::wanted_form(examples, home), buffers));
    };
  }
  metrics take(batch view, const training_progress& progress)
  {
    const auto learned = begin(progress);
    return learn(std::move(view), progress, learned);
  }

  /// Returns the student's logits for the batch as a training step would compute them, on copies:
  /// the step does not change. Throws what the step's forward pass would throw; `fit` uses this
  /// to check a last batch of one example.
  [[nodiscard]] torch::Tensor rehearse(const batch& examples,
                                       const training_progress& progress) const
  {
    const torch::NoGradGuard without_graph;
    auto learner = student;
    const auto learned = learner.parameters();
    auto view = view_for(examples, progress, learned);
    return learner.forward(detail::to_model_input(std::move(view), learned), student_taps<Loss>())
        .logits;
  }
  [[nodiscard]] batch rehearse_view(const batch& examples, const training_progress& progress) const
  {
    return view_for(examples, progress, student.parameters());
  }
  static constexpr bool mixes = requires { requires Agent::mixes; };

  /// @throws std::invalid_argument if the learning rate is not finite
  [[nodiscard]] double learning_rate(const training_progress& progress) const
  {
    return detail::learning_rate_at(optimizer, lr_schedule, progress);
  }

  /// The network to evaluate: the moving average if one is kept, otherwise the student.
  [[nodiscard]] const StudentType& evaluated() const
  {
    return learner_state.averaged() != nullptr ? *learner_state.averaged() : student;
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    if (!learner_state.has_begun(ema)) begin();
    archive.part("student", student);
    visit_part(archive, "agent", agent);
    visit_part(archive, "loss", loss);
    archive.part("progress", learner_state);
  }

 private:
  [[nodiscard]] batch view_for(const batch& examples, const training_progress& progress,
                               const std::vector<named_tensor>& learned) const
  {
    buffer_pool own;
    return view_of(agent, examples, progress, seed.split(role::student),
                   detail::wanted_form(examples, detail::device_of(learned)), own);
  }

  metrics learn(batch shown, const training_progress& progress,
                const std::vector<named_tensor>& learned)
  {
    const detail::gradients_on for_now{"supervised"};
    const auto labels = shown.labels;
    const auto view = detail::to_model_input(std::move(shown), learned);
    paired_outputs pair;
    pair.student = student.forward(view, student_taps<Loss>());
    detail::require_labels_beside<Loss>(labels, pair.student.logits, view.ignore_index);
    const auto targets = targets_of(view, progress);
    auto found = detail::gradients_of_loss(loss, metric, pair, targets, learned);
    learner_state.update(student, learned, found.gradients, learning_rate(progress), clipping, ema);
    detail::tell_losses(loss, pair, targets);
    return std::move(found.numbers);
  }

  /// Returns the tensors that a step trains, after setting the bit widths of its epoch.
  std::vector<named_tensor> begin(const training_progress& progress)
  {
    const detail::gradients_on from_the_start{"supervised"};
    learner_state.begin_epoch(student, progress);
    return begin();
  }

  std::vector<named_tensor> begin()
  {
    if (!learner_state.has_begun(ema)) {
      detail::configure_losses(loss, student, student);
      detail::require_no_parameters("supervised", "agent", agent);
    }
    auto learned = detail::trainable_parameters(student, loss);
    learner_state.begin(student, learned, optimizer, ema);
    return learned;
  }
};

}  // namespace rolewise
