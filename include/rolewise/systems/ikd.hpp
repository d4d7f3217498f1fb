// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// IKD: a teacher that learns from its student's exam.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/batch_cycle.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/logit_divergences.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/loss/loss_terms.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/namespaces.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/learner_traits.hpp>
#include <rolewise/train/loss_metrics.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/model_input.hpp>
#include <rolewise/train/top_k_accuracy.hpp>
#include <rolewise/train/training_step.hpp>
#include <rolewise/train/unrolled_update.hpp>

#include <cmath>
#include <concepts>
#include <utility>
#include <vector>

namespace rolewise::systems {

/// When the teacher of `ikd` learns.
enum class exam_order {
  after_course,  ///< the student is taught, then its exam teaches the teacher: IKD
  before_course  ///< an exam of a pilot, a copy of the student, comes first: MetaDistil
};

/// A training step in which student and teacher learn from each other's steps:
///
///     course:  student <- student - rate * d L(student, teacher; batch) / d student
///     exam:    teacher <- teacher - mu * d [CE(updated student; exam) + gamma CE(teacher; exam)]
///                                                                             / d teacher
///
/// with the gradient of the first term through the student's update (`exam_surrogate`). With
/// `before_course` the exam is that of a pilot: a copy of the student after a plain SGD step of
/// `pilot_rate`. The student itself then takes its course, once, with the teacher that has learned.
///
///     systems::ikd training{.teacher = learner{.model = teacher, .optimizer = slow},
///                           .student = learner{.model = student},
///                           .exam = batch_cycle{.data = held_out, .size = 64}};
///
/// The teacher teaches in evaluation mode and takes the exam in training mode, which moves its
/// running statistics (where gamma is 0 it takes none). At a learning rate of 0 the teacher does
/// not change at all, and the step is ordinary distillation. The student's exam is taken by a copy:
/// no bit of the student, its statistics and its optimizer changes by it.
///
/// Metrics: those of the course, then `exam`, the student's cross-entropy there.
///
/// @par Source
/// Liu, Sun, Qiu, Huang: Learning to Teach with Student Feedback, 2021, arXiv:2109.04641, of which
/// the abstract says that course and exam alternate. The mechanics are those of Zhou, Xu, McAuley:
/// BERT Learns to Teach: Knowledge Distillation with Meta Learning, 2021, arXiv:2106.04570, code
/// JetRunner/MetaDistil, 80e60c1.
/// @par Departs
/// Exam batches, the order of the gradient and the teacher's own loss (gamma, 0 in MetaDistil) are
/// ours. The derivative of the student's update is that of plain SGD at its learning rate, whatever
/// its optimizer: exact for SGD without momentum.
template<typename TeacherLearner, typename StudentLearner, typename Exam, typename Agent = no_agent,
         typename Loss = decltype(0.1 * cross_entropy{} + 0.9 * two_sided_kl{}),
         typename MetricType = top_k_accuracy>
struct ikd {
  static_assert(is_student_learner<TeacherLearner>,
                "ikd: .teacher must be a learner of a network, as it learns; a frozen one cannot");
  static_assert(is_student_learner<StudentLearner>, "ikd: .student must be a learner of a Student");
  static_assert(
      requires(const Exam exam, const training_progress progress) {
        { exam(progress) } -> std::same_as<batch>;
      } && state_must::be_denied<Exam>,
      "ikd: .exam must give a batch for each step and say has_state = false, such as "
      "batch_cycle{.data = held_out}");
  static_assert(AugmentationAgent<Agent>, "ikd: .agent must satisfy AugmentationAgent");
  static_assert(Stateful<Agent> && !HasParameters<Agent>,
                "ikd: .agent must show its state or say has_state = false, and have no parameters");
  static_assert(LossFunction<Loss>, "ikd: .loss must satisfy LossFunction");
  static_assert(reaches_teacher<Loss>(),
                "ikd: .loss detaches the teacher, which would learn nothing from exams; want "
                "reaches_teacher = true, as two_sided_kl{} has in place of soft_target_kl{}");
  static_assert(state_must::be_denied<Loss>, "ikd: .loss must say has_state = false");
  static_assert(StepMetric<MetricType>, "ikd: .metric must satisfy Metric or be no_metric{}");

  TeacherLearner teacher;
  StudentLearner student;
  Exam exam;      ///< `batch_cycle` of held-out examples
  Agent agent{};  ///< of the course; one view for both
  Loss loss = 0.1 * cross_entropy{} + 0.9 * two_sided_kl{};
  exam_order order = exam_order::after_course;
  unrolling through = unrolling::exact;
  double teacher_weight = 1.0;  ///< gamma, at least 0
  double pilot_rate = 0.05;     ///< of the pilot's update, at least 0; MetaDistil's
  rolewise::seed seed{0};       ///< of the views
  MetricType metric{};          ///< of the student in the course

  metrics operator()(const batch& examples, const training_progress& progress)
  {
    const detail::gradients_on for_now{"ikd"};
    if (!(teacher_weight >= 0.0 && std::isfinite(teacher_weight)) ||
        !(pilot_rate >= 0.0 && std::isfinite(pilot_rate)))
      throw_invalid_argument("ikd",
                             "want a teacher_weight >= 0 and a pilot_rate >= 0, finite, got ",
                             teacher_weight, " and ", pilot_rate);
    student.begin(progress);
    teacher.begin(progress);
    const auto view = model_input(agent(examples, progress, seed.split(role::both)), student.model);
    const auto paper = model_input(exam(progress), student.model);
    const auto before = student.model;
    const auto said = heard(view, learns(progress));

    if (order == exam_order::before_course) {
      auto pilot = before;
      const auto learned = parameters_of(pilot);
      const auto course = loss_of(pilot, detail::detached(said), view, progress).total;
      move_along(learned, parameter_gradients(learned, course), -pilot_rate);
      auto taken = teach(before, std::move(pilot), said, view, paper, pilot_rate, progress);
      auto numbers = attend(heard(view, false), view, progress);
      numbers.push_back(std::move(taken));
      return numbers;
    }
    auto numbers = attend(said, view, progress);
    numbers.push_back(
        teach(before, student.model, said, view, paper, student.learning_rate(progress), progress));
    return numbers;
  }

  [[nodiscard]] const auto& evaluated() const { return student.evaluated(); }
  [[nodiscard]] double learning_rate(const training_progress& progress) const
  {
    return student.learning_rate(progress);
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("teacher", teacher);
    archive.part("student", student);
    visit_part(archive, "agent", agent);
  }

 private:
  using student_network = model_of<StudentLearner>;

  [[nodiscard]] bool learns(const training_progress& progress) const
  {
    return teacher.learning_rate(progress) != 0.0;
  }

  /// What the teacher says in the course.
  [[nodiscard]] outputs heard(const batch& view, bool with_graph) const
  {
    const torch::AutoGradMode graph{with_graph};
    return teacher.model.predict(view, teacher_taps<Loss>());
  }

  [[nodiscard]] loss_terms loss_of(student_network& of, const outputs& said, const batch& view,
                                   const training_progress& progress) const
  {
    return evaluate_loss_terms(loss, {said, of.forward(view, student_taps<Loss>())},
                               targets_of(view, progress));
  }

  /// The course: the student learns.
  [[nodiscard]] metrics attend(const outputs& said, const batch& view,
                               const training_progress& progress)
  {
    const paired_outputs pair{detail::detached(said),
                              student.model.forward(view, student_taps<Loss>())};
    const auto targets = targets_of(view, progress);
    auto found = evaluate_loss_terms(loss, pair, targets);
    student.minimize(found.total, progress);
    auto numbers = metrics_of(std::move(found));
    add_metric(numbers, metric, pair.student, targets);
    return numbers;
  }

  /// The exam of `updated`, a copy, after a step of `rate` from `before`: the teacher learns.
  [[nodiscard]] rolewise::metric teach(const student_network& before, student_network updated,
                                       const outputs& said, const batch& view, const batch& paper,
                                       double rate, const training_progress& progress)
  {
    const auto score = [&](auto& network) {
      return cross_entropy{}({.teacher = {}, .student = network.forward(paper)},
                             targets_of(paper, progress));
    };
    const auto result = score(updated);
    rolewise::metric shown{.name = "exam", .value = result.detach()};
    if (!learns(progress)) return shown;
    const auto surrogate = exam_surrogate(
        before, said,
        [&](auto& taught, const outputs& by) { return loss_of(taught, by, view, progress).total; },
        parameter_gradients(parameters_of(updated), result), rate, through);
    if (teacher_weight == 0.0) {
      teacher.minimize(surrogate, progress);
      return shown;
    }
    // Before the teacher's own exam moves the running statistics that its graph has seen.
    const auto learned = parameters_of(teacher.model);
    const auto feedback = parameter_gradients(learned, surrogate);
    teacher.minimize(loss_with_gradients(learned, feedback) + teacher_weight * score(teacher.model),
                     progress);
    return shown;
  }
};

}  // namespace rolewise::systems
