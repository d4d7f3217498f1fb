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
#include <rolewise/loss/objective.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/teacher/teacher.hpp>
#include <rolewise/train/detail/descent.hpp>
#include <rolewise/train/detail/learning_rate.hpp>
#include <rolewise/train/schedule.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/training_step.hpp>

#include <concepts>
#include <optional>
#include <utility>
#include <vector>

namespace rolewise {

/// A loss of `distillation`: one score, or two scores and a rule that combines their gradients.
template<typename L>
concept DistillationObjective = Scored<L> || GradientCombination<L>;

/// Training step of role-wise knowledge distillation. The members define the method; this class
/// fixes the order of one training step.
///
///     distillation lesson{.teacher = frozen(school.student),
///                         .student = resnet8(shape, dorefa{}, bits_inside<2>),
///                         .student_agent = rand_augment{},
///                         .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{temperature{4}}};
///     fit(lesson, data, {.epochs = 8});
///
/// One step computes, in order: the views of both roles (`make_views`), each converted from
/// `uint8` once, and once for both if they are the same; the teacher's forward pass; the
/// student's; the loss with the labels of the student's view; the backward pass (of a
/// `GradientCombination` two, one after the other); gradient clipping; the optimizer's update at
/// learning rate `optimiser.rate * schedule(moment)`; the moving average. Metrics: `loss`, the
/// terms, `accuracy` of the student. Does not synchronize with the device.
///
/// The state between steps is `progress`: see `supervised`.
///
/// @par Determinism
/// The same members, batches and moments give the same bits, for the same number of threads.
template<typename Master = detail::missing, typename Learner = detail::missing,
         typename TeachersAgent = no_agent, typename StudentsAgent = no_agent,
         typename SharedAgent = no_agent, typename Loss = detail::missing, typename Method = sgd,
         typename Factor = cosine>
struct distillation {
  static_assert(!std::same_as<Master, detail::missing>, "distillation: .teacher is missing");
  static_assert(!std::same_as<Learner, detail::missing>, "distillation: .student is missing");
  static_assert(!std::same_as<Loss, detail::missing>, "distillation: .loss is missing");
  static_assert(Teacher<Master>,
                "distillation: .teacher must satisfy Teacher; frozen(network) makes one");
  static_assert(
      Stateful<Master>,
      "distillation: .teacher must show its state (visit_state) or say has_state = false");
  static_assert(Student<Learner>,
                "distillation: .student must satisfy Student (rolewise/student/student.hpp)");
  static_assert(
      TeacherAgent<TeachersAgent>,
      "distillation: .teacher_agent must satisfy AugmentationAgent or be students_view{}");
  static_assert(AugmentationAgent<StudentsAgent>,
                "distillation: .student_agent must satisfy AugmentationAgent");
  static_assert(AugmentationAgent<SharedAgent>,
                "distillation: .shared_agent must satisfy AugmentationAgent");
  static_assert(Stateful<TeachersAgent> && Stateful<StudentsAgent> && Stateful<SharedAgent>,
                "distillation: every agent must show its state (visit_state) or say "
                "has_state = false");
  static_assert(DistillationObjective<Loss>,
                "distillation: .loss must satisfy Objective, DistillationLoss or "
                "GradientCombination");
  static_assert(Stateful<Loss>,
                "distillation: .loss must show its state (visit_state) or say has_state = false");
  static_assert(Optimiser<Method>,
                "distillation: .optimiser must satisfy Optimiser, such as sgd{}");
  static_assert(Schedule<Factor>,
                "distillation: .schedule must satisfy Schedule, such as cosine{}");

  // Without initializers: a step is default-constructible only if these members are.
  Master teacher;
  Learner student;
  TeachersAgent teacher_agent{};
  StudentsAgent student_agent{};
  SharedAgent shared_agent{};  ///< applied to both views after the others, with the same draws
  Loss loss;
  Method optimiser{};
  Factor schedule{};
  std::optional<clip_gradients> clipping{};  ///< empty: no gradient clipping
  std::optional<moving_average> average{};   ///< empty: no moving average
  rolewise::seed seed{0};                    ///< of the views

  detail::descent<Learner, Method> progress{};  ///< state between steps; internal, do not set

  metrics operator()(const batch& examples, const moment& now)
  {
    const auto learned = begin(now);
    return learn(
        make_views(examples, teacher_agent, student_agent, shared_agent, now, seed,
                   detail::wanted_form(examples, detail::home_of(learned)), progress.buffers()),
        now, learned);
  }

  /// Returns a function that makes the views of both roles without the step; see `PreparingStep`.
  [[nodiscard]] auto preparation()
    requires(IndependentAgent<TeachersAgent> && IndependentAgent<StudentsAgent> &&
             IndependentAgent<SharedAgent>)
  {
    const auto home = detail::home_of(detail::learned_by(student, loss));
    return [teachers = teacher_agent, students = student_agent, shared = shared_agent, key = seed,
            home](const batch& examples, const moment& now, buffer_pool& buffers) {
      auto views = make_views(examples, teachers, students, shared, now, key,
                              detail::wanted_form(examples, home), buffers);
      views.student = detail::pinned_for(home, std::move(views.student));
      views.teacher =
          views.same ? views.student : detail::pinned_for(home, std::move(views.teacher));
      return views;
    };
  }
  metrics take(view_pair views, const moment& now)
  {
    const auto learned = begin(now);
    return learn(std::move(views), now, learned);
  }

  /// Returns the student's logits for the batch as a training step would compute them, on copies:
  /// the step does not change, and the teacher is not called. Throws what the step's forward pass
  /// would throw; `fit` uses this to check a last batch of one example.
  [[nodiscard]] torch::Tensor rehearse(const batch& examples, const moment& now) const
  {
    const torch::NoGradGuard without_graph;
    auto learner = student;
    const auto learned = learner.parameters();
    auto views = views_for(examples, now, learned);
    return learner
        .respond(detail::ready(std::move(views.student), learned),
                 taps{.features = Loss::wants_features})
        .logits;
  }
  [[nodiscard]] batch rehearse_view(const batch& examples, const moment& now) const
  {
    return views_for(examples, now, student.parameters()).student;
  }
  static constexpr bool mixes = requires { requires TeachersAgent::mixes; } || requires {
    requires StudentsAgent::mixes;
  } || requires { requires SharedAgent::mixes; };

  /// @throws std::invalid_argument if the learning rate is not finite
  [[nodiscard]] double learning_rate(const moment& now) const
  {
    return detail::learning_rate_at(optimiser, schedule, now);
  }

  /// The network to evaluate: the moving average if one is kept, otherwise the student.
  [[nodiscard]] const Learner& learner() const
  {
    return progress.averaged() != nullptr ? *progress.averaged() : student;
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    if (!progress.has_begun(average)) begin();
    visit_part(archive, "teacher", teacher);
    archive.part("student", student);
    visit_part(archive, "teacher_agent", teacher_agent);
    visit_part(archive, "student_agent", student_agent);
    visit_part(archive, "shared_agent", shared_agent);
    visit_part(archive, "loss", loss);
    archive.part("progress", progress);
  }

 private:
  [[nodiscard]] view_pair views_for(const batch& examples, const moment& now,
                                    const std::vector<named_tensor>& learned) const
  {
    buffer_pool own;
    return make_views(examples, teacher_agent, student_agent, shared_agent, now, seed,
                      detail::wanted_form(examples, detail::home_of(learned)), own);
  }

  metrics learn(view_pair views, const moment& now, const std::vector<named_tensor>& learned)
  {
    const detail::gradients_on for_now{"distillation"};
    const auto labels = views.student.labels;
    constexpr taps wanted{.features = Loss::wants_features};
    const auto students = detail::ready(std::move(views.student), learned);
    paired_responses pair;
    pair.teacher = views.same
                       ? teacher.respond(students, wanted)
                       : teacher.respond(detail::ready(std::move(views.teacher), learned), wanted);
    pair.student = student.respond(students, wanted);
    detail::require_labels_beside<Loss>(labels, pair.student.logits);
    auto found =
        detail::slope_of(loss, pair, supervision{students.labels, students.ids, now}, learned);
    progress.update(student, learned, found.gradients, learning_rate(now), clipping, average);
    return std::move(found.numbers);
  }

  /// Returns the tensors that a step trains, after setting the bit widths of its epoch.
  std::vector<named_tensor> begin(const moment& now)
  {
    const detail::gradients_on from_the_start{"distillation"};
    progress.begin_epoch(student, now);
    return begin();
  }

  std::vector<named_tensor> begin()
  {
    auto learned = detail::learned_by(student, loss);
    progress.begin(student, learned, optimiser, average);
    return learned;
  }
};

}  // namespace rolewise
