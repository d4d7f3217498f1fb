// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Backward-pass KD: a student also learns from examples that are moved to where it differs most
/// from its teacher.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/core/ascent.hpp>
#include <rolewise/core/gradients_on.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/logit_divergences.hpp>
#include <rolewise/loss/loss_terms.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/support/namespaces.hpp>
#include <rolewise/teacher/teacher.hpp>
#include <rolewise/train/ascent_space.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/learner_traits.hpp>
#include <rolewise/train/loss_metrics.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/model_input.hpp>
#include <rolewise/train/periodic_copy.hpp>
#include <rolewise/train/top_k_accuracy.hpp>
#include <rolewise/train/training_step.hpp>

#include <ATen/ops/zeros.h>

#include <cstdint>
#include <utility>

namespace rolewise::systems {

/// (1 - w) cross-entropy + w soft targets at temperature T.
[[nodiscard]] inline auto backward_kd_loss(double w = 0.5, temperature t = temperature{1.0})
{
  return (1.0 - w) * cross_entropy{} + w * soft_target_kl{t};
}
/// The second of these terms, for examples without a label.
[[nodiscard]] inline auto auxiliary_kd_loss(double w = 0.5, temperature t = temperature{1.0})
{
  return w * soft_target_kl{t};
}

/// Training step of backward-pass KD. A period is `.every` epochs:
///
///     when a period begins:   S = a copy of the student
///     for each batch x, y:
///       x' = x;  from period 1 on, .ascent.steps times
///         x' <- x' + eta * gradient of .divergence(S(x'), teacher(x'))         maximization
///       student minimizes  .loss(student(x), teacher(x), y)                    minimization
///                          + .auxiliary_loss(student(x'), teacher(x'))
///
///     systems::backward_kd training{.teacher = frozen(network),
///                                   .student = learner{.model = resnet8(shape)},
///                                   .ascent = {.within = pixel_range(data.normalization)}};
///
/// The auxiliary set, an x' for each x, is not kept. It is a function of the copy S, which is part
/// of the state, so each batch makes its own: replaced where a period begins, the same after a
/// restart, of the current views, and without memory for another data set. With `.every` above 1
/// it costs as much as with 1.
///
/// Texts move as embeddings: `.space = embedding_space{.special_tokens = {0, 1}}`.
///
/// Metrics: `loss` and its terms; `auxiliary`, the loss on auxiliary examples, 0 in period 0;
/// `.metric` on the views.
///
/// @par Gradients
/// Of the divergence through S and through the teacher, both in evaluation mode, to x' alone; of
/// the losses to the student alone, x' is a constant there.
/// @par Source
/// Improved knowledge distillation by utilizing backward pass knowledge in neural networks, 2023,
/// arXiv:2301.12006, whose abstract has the ascent on the divergence of student and teacher, and
/// training on original and auxiliary data together.
/// @par Departs
/// The abstract alone was at hand. Ours are the constants, the squared distance of logits, relative
/// step sizes, periods in epochs, the map of embeddings, and that batches of x and of x' go through
/// the networks one after the other, x' first, so that batch norm sees each by itself.
template<typename TeacherType, typename StudentLearner, typename Agent = no_agent,
         typename Loss = decltype(backward_kd_loss()),
         typename AuxiliaryLoss = decltype(auxiliary_kd_loss()),
         typename Divergence = squared_logit_distance, typename Space = input_space,
         typename MetricType = top_k_accuracy>
struct backward_kd {
  using student_type = model_of<StudentLearner>;

  static_assert(FrozenTeacher<TeacherType>,
                "backward_kd: .teacher must be a FrozenTeacher; frozen(network) makes one");
  static_assert(Student<student_type>,
                "backward_kd: .student must be a learner of a Student, such as "
                "learner{.model = network}");
  static_assert(AugmentationAgent<Agent> && Stateful<Agent> && !HasParameters<Agent>,
                "backward_kd: .agent must satisfy AugmentationAgent, without parameters, and show "
                "its state (visit_state) or say has_state = false");
  static_assert(LossFunction<Loss> && state_must::be_denied<Loss>,
                "backward_kd: .loss must satisfy LossFunction and say has_state = false");
  static_assert(LossFunction<AuxiliaryLoss> && state_must::be_denied<AuxiliaryLoss> &&
                    reads_teacher<AuxiliaryLoss>() && !wants_class_labels<AuxiliaryLoss>(),
                "backward_kd: .auxiliary_loss must be a loss against the teacher alone, as "
                "auxiliary examples have no label, and say has_state = false");
  static_assert(LossFunction<Divergence> && state_must::be_denied<Divergence> &&
                    reaches_teacher<Divergence>() && !wants_class_labels<Divergence>(),
                "backward_kd: .divergence must have gradients to student and teacher "
                "(reaches_teacher), such as squared_logit_distance{} or two_sided_kl{}");
  static_assert(teacher_taps<Divergence>().empty() && student_taps<Divergence>().empty(),
                "backward_kd: .divergence must be one of logits");
  static_assert(AscentSpace<Space> && Stateful<Space>,
                "backward_kd: .space must be input_space{}, embedding_space{}, or like them");
  static_assert(StepMetric<MetricType>,
                "backward_kd: .metric must satisfy Metric or be no_metric{}");

  TeacherType teacher;
  StudentLearner student;
  Agent agent{};  ///< of the view of both
  Loss loss = backward_kd_loss();
  AuxiliaryLoss auxiliary_loss = auxiliary_kd_loss();
  Divergence divergence{};
  rolewise::ascent ascent{};
  Space space{};
  std::int64_t every = 1;  ///< epochs of a period, at least 1
  rolewise::seed seed{0};  ///< of the views
  MetricType metric{};

  periodic_copy<student_type> past{};  ///< S, state; do not set

  metrics operator()(const batch& examples, const training_progress& progress)
  {
    const rolewise::detail::gradients_on for_now{"backward_kd"};
    student.begin(progress);
    if (past.renew(student.model, progress, every)) space.begin(*past, teacher);
    const auto view = model_input(agent(examples, progress, seed.split(role::both)), student.model);
    const auto known = targets_of(view, progress);

    auto of_auxiliary = at::zeros({}, torch::TensorOptions{}.device(view.inputs.device()));
    if (past.period() > 0) {
      const auto points = moved(view, progress);
      auto unlabeled = known;
      unlabeled.labels = torch::Tensor{};
      of_auxiliary = evaluate_loss(
          auxiliary_loss,
          answers<AuxiliaryLoss>(space.for_teacher(view, points), space.for_student(view, points)),
          unlabeled);
    }
    const auto pair = answers<Loss>(view, view);
    auto found = evaluate_loss_terms(loss, pair, known);
    found.total = found.total + of_auxiliary;
    student.minimize(found.total, progress);

    auto numbers = metrics_of(std::move(found));
    numbers.push_back({"auxiliary", of_auxiliary.detach()});
    add_metric(numbers, metric, pair.student, known);
    return numbers;
  }

  /// The auxiliary examples of a view, as the points of `.space`, without a graph.
  /// @param view as `model_input` makes it
  /// @pre a step, or `visit_state`, has been called
  [[nodiscard]] torch::Tensor moved(const batch& view, const training_progress& progress) const
  {
    auto each_alike = view;
    each_alike.weights = torch::Tensor{};
    const auto targets = targets_of(each_alike, progress);
    return ascent(
        space.start(view, *past),
        [&](const torch::Tensor& points) {
          return evaluate_loss(divergence,
                               {.teacher = teacher.forward(space.for_teacher(view, points)),
                                .student = past->predict(space.for_student(view, points))},
                               targets);
        },
        space.movable(view));
  }

  [[nodiscard]] const student_type& evaluated() const { return student.evaluated(); }
  [[nodiscard]] double learning_rate(const training_progress& at) const
  {
    return student.learning_rate(at);
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    past.begin(student.model);
    archive.part("student", student);
    archive.part("past", past);
    visit_part(archive, "space", space);
    visit_part(archive, "agent", agent);
  }

 private:
  /// What both networks say of their inputs, the student in training.
  template<typename L>
  [[nodiscard]] paired_outputs answers(const batch& of_teacher, const batch& of_student)
  {
    static_assert(rolewise::detail::taps_are_offered<teacher_taps<L>(), L, TeacherType>() &&
                      rolewise::detail::taps_are_offered<student_taps<L>(), L, student_type>(),
                  "backward_kd: a loss wants a tap that .teacher or .student does not offer");
    return {.teacher = teacher.forward(of_teacher, teacher_taps<L>()),
            .student = student.model.forward(of_student, student_taps<L>())};
  }
};

}  // namespace rolewise::systems
