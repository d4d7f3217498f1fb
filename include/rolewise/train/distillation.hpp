// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `distillation` training step: trains a student to match a teacher, each on its own view.

#include <rolewise/agent/independent_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/views.hpp>
#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/loss/gradient_combination.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/teacher/teacher.hpp>
#include <rolewise/train/detail/learner_state.hpp>
#include <rolewise/train/detail/learning_rate.hpp>
#include <rolewise/train/learning_rate_schedule.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/top_k_accuracy.hpp>
#include <rolewise/train/trainable.hpp>
#include <rolewise/train/training_step.hpp>

#include <concepts>
#include <optional>
#include <utility>
#include <vector>

namespace rolewise {

/// A loss of `distillation`: one loss, or two and a rule that combines their gradients.
template<typename L>
concept DistillationStepLoss = LossFunction<L> || GradientCombination<L>;

/// Training step of role-wise knowledge distillation. The members define the method; this class
/// fixes the order of one training step.
///
///     distillation training{.teacher = frozen(pretraining.student),
///                         .student = resnet8(shape, dorefa{}, inner_bits<2>),
///                         .student_agent = rand_augment{},
///                         .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{temperature{4}}};
///     fit(training, data, {.epochs = 8});
///
/// One step computes, in order: the views of both roles (`make_views`), each converted from
/// `uint8` once, and once for both if they are the same; the teacher's forward pass; the
/// student's; the loss with the labels of the student's view; the backward pass (of a
/// `GradientCombination` two, one after the other); gradient clipping; the optimizer's update at
/// learning rate `optimizer.learning_rate * lr_schedule(training_progress)`; the moving average.
/// Metrics: `loss`, the terms, `.metric` of the student (the accuracy by default). Does not
/// synchronize with the device.
///
/// The state between steps is `learner_state`: see `supervised`.
///
/// @par Determinism
/// The same members, batches and training progress give the same bits, for the same number of
/// threads.
template<typename TeacherType = detail::missing, typename StudentType = detail::missing,
         typename TeacherAgentType = no_agent, typename StudentAgentType = no_agent,
         typename SharedAgentType = no_agent, typename Loss = detail::missing,
         typename OptimizerType = sgd, typename ScheduleType = cosine_annealing,
         typename MetricType = top_k_accuracy>
struct distillation {
  static_assert(!std::same_as<TeacherType, detail::missing>, "distillation: .teacher is missing");
  static_assert(!std::same_as<StudentType, detail::missing>, "distillation: .student is missing");
  static_assert(!std::same_as<Loss, detail::missing>, "distillation: .loss is missing");
  static_assert(Teacher<TeacherType>,
                "distillation: .teacher must satisfy Teacher; frozen(network) makes one");
  static_assert(
      Stateful<TeacherType>,
      "distillation: .teacher must show its state (visit_state) or say has_state = false");
  static_assert(Student<StudentType>,
                "distillation: .student must satisfy Student (rolewise/student/student.hpp)");
  static_assert(TeacherAgent<TeacherAgentType>,
                "distillation: .teacher_agent must satisfy AugmentationAgent or be same_view{}");
  static_assert(AugmentationAgent<StudentAgentType>,
                "distillation: .student_agent must satisfy AugmentationAgent");
  static_assert(AugmentationAgent<SharedAgentType>,
                "distillation: .shared_agent must satisfy AugmentationAgent");
  static_assert(Stateful<TeacherAgentType> && Stateful<StudentAgentType> &&
                    Stateful<SharedAgentType>,
                "distillation: every agent must show its state (visit_state) or say "
                "has_state = false");
  static_assert(
      !HasParameters<TeacherAgentType>,
      "distillation: .teacher_agent has parameters, which this step would never update; compose a "
      "step in which a learner trains it (rolewise/train/learner.hpp)");
  static_assert(
      !HasParameters<StudentAgentType>,
      "distillation: .student_agent has parameters, which this step would never update; compose a "
      "step in which a learner trains it (rolewise/train/learner.hpp)");
  static_assert(
      !HasParameters<SharedAgentType>,
      "distillation: .shared_agent has parameters, which this step would never update; compose a "
      "step in which a learner trains it (rolewise/train/learner.hpp)");
  static_assert(DistillationStepLoss<Loss> || !loss_must::turn_outputs_into_one_tensor<Loss> ||
                    loss_must::carry_a_name_for_the_report<Loss>,
                "distillation: .loss must carry_a_name_for_the_report: give it static constexpr "
                "std::string_view name");
  static_assert(DistillationStepLoss<Loss>,
                "distillation: .loss must satisfy LossFunction or GradientCombination");
  static_assert(Stateful<Loss>,
                "distillation: .loss must show its state (visit_state) or say has_state = false");
  static_assert(detail::taps_are_offered<step_teacher_taps<Loss>(), Loss, TeacherType>() &&
                    detail::taps_are_offered<step_student_taps<Loss>(), Loss, StudentType>(),
                "distillation: .loss wants a tap that .teacher or .student does not offer");
  static_assert(Optimizer<OptimizerType>,
                "distillation: .optimizer must satisfy Optimizer, such as sgd{}");
  static_assert(
      LearningRateSchedule<ScheduleType>,
      "distillation: .lr_schedule must satisfy LearningRateSchedule, such as cosine_annealing{}");

  static_assert(StepMetric<MetricType>,
                "distillation: .metric must satisfy Metric, such as top_k_accuracy{}, or be "
                "no_metric{}");

  // Without initializers: a step is default-constructible only if these members are.
  TeacherType teacher;
  StudentType student;
  TeacherAgentType teacher_agent{};
  StudentAgentType student_agent{};
  SharedAgentType shared_agent{};  ///< applied to both views after the others, with the same draws
  Loss loss;
  OptimizerType optimizer{};
  ScheduleType lr_schedule{};
  std::optional<clip_gradients> clipping{};  ///< empty: no gradient clipping
  std::optional<rolewise::ema> ema{};        ///< empty: no moving average
  rolewise::seed seed{0};                    ///< of the views
  MetricType metric{};                       ///< of the student on its views, beside the loss

  detail::learner_state<StudentType, OptimizerType>
      learner_state{};  ///< state between steps; internal, do not set

  metrics operator()(const batch& examples, const training_progress& progress)
  {
    const auto learned = begin(progress);
    return learn(make_views(examples, teacher_agent, student_agent, shared_agent, progress, seed,
                            detail::wanted_form(examples, detail::device_of(learned)),
                            learner_state.buffers()),
                 progress, learned);
  }

  /// Returns a function that makes the views of both roles without the step; see `PreparingStep`.
  [[nodiscard]] auto preparation()
    requires(IndependentAgent<TeacherAgentType> && IndependentAgent<StudentAgentType> &&
             IndependentAgent<SharedAgentType>)
  {
    const auto home = detail::device_of(detail::trainable_parameters(student, loss));
    return [teachers = teacher_agent, students = student_agent, shared = shared_agent, key = seed,
            home](const batch& examples, const training_progress& progress, buffer_pool& buffers) {
      auto views = make_views(examples, teachers, students, shared, progress, key,
                              detail::wanted_form(examples, home), buffers);
      views.student = detail::pinned_for(home, std::move(views.student));
      views.teacher =
          views.same ? views.student : detail::pinned_for(home, std::move(views.teacher));
      return views;
    };
  }
  metrics take(view_pair views, const training_progress& progress)
  {
    const auto learned = begin(progress);
    return learn(std::move(views), progress, learned);
  }

  /// Returns the student's logits for the batch as a training step would compute them, on copies:
  /// the step does not change, and the teacher is not called. Throws what the step's forward pass
  /// would throw; `fit` uses this to check a last batch of one example.
  [[nodiscard]] torch::Tensor rehearse(const batch& examples,
                                       const training_progress& progress) const
  {
    const torch::NoGradGuard without_graph;
    auto learner = student;
    const auto learned = learner.parameters();
    auto views = views_for(examples, progress, learned);
    return learner
        .forward(detail::to_model_input(std::move(views.student), learned),
                 step_student_taps<Loss>())
        .logits;
  }
  [[nodiscard]] batch rehearse_view(const batch& examples, const training_progress& progress) const
  {
    return views_for(examples, progress, student.parameters()).student;
  }
  static constexpr bool mixes = requires { requires TeacherAgentType::mixes; } || requires {
    requires StudentAgentType::mixes;
  } || requires { requires SharedAgentType::mixes; };

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
    visit_part(archive, "teacher", teacher);
    archive.part("student", student);
    visit_part(archive, "teacher_agent", teacher_agent);
    visit_part(archive, "student_agent", student_agent);
    visit_part(archive, "shared_agent", shared_agent);
    visit_part(archive, "loss", loss);
    archive.part("progress", learner_state);
  }

 private:
  [[nodiscard]] view_pair views_for(const batch& examples, const training_progress& progress,
                                    const std::vector<named_tensor>& learned) const
  {
    buffer_pool own;
    return make_views(examples, teacher_agent, student_agent, shared_agent, progress, seed,
                      detail::wanted_form(examples, detail::device_of(learned)), own);
  }

  metrics learn(view_pair views, const training_progress& progress,
                const std::vector<named_tensor>& learned)
  {
    const detail::gradients_on for_now{"distillation"};
    const auto labels = views.student.labels;
    constexpr auto teacher_wanted = step_teacher_taps<Loss>();
    const auto students = detail::to_model_input(std::move(views.student), learned);
    paired_outputs pair;
    pair.teacher = views.same
                       ? teacher.forward(students, teacher_wanted)
                       : teacher.forward(detail::to_model_input(std::move(views.teacher), learned),
                                         teacher_wanted);
    pair.student = student.forward(students, step_student_taps<Loss>());
    detail::require_labels_beside<Loss>(labels, pair.student.logits, students.ignore_index);
    const auto targets = targets_of(students, progress);
    auto found = detail::gradients_of_loss(loss, metric, pair, targets, learned);
    learner_state.update(student, learned, found.gradients, learning_rate(progress), clipping, ema);
    detail::tell_losses(loss, pair, targets);
    return std::move(found.numbers);
  }

  /// Returns the tensors that a step trains, after setting the bit widths of its epoch.
  std::vector<named_tensor> begin(const training_progress& progress)
  {
    const detail::gradients_on from_the_start{"distillation"};
    learner_state.begin_epoch(student, progress);
    return begin();
  }

  std::vector<named_tensor> begin()
  {
    if (!learner_state.has_begun(ema)) {
      detail::configure_losses(loss, teacher, student);
      detail::require_no_parameters("distillation", "teacher_agent", teacher_agent);
      detail::require_no_parameters("distillation", "student_agent", student_agent);
      detail::require_no_parameters("distillation", "shared_agent", shared_agent);
    }
    auto learned = detail::trainable_parameters(student, loss);
    learner_state.begin(student, learned, optimizer, ema);
    return learned;
  }
};

}  // namespace rolewise
