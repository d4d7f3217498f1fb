// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// LW-KD: a student of a small teacher that has never seen the data, and an adversary.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/views_of_class.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/fraction.hpp>
#include <rolewise/core/gradients_on.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/adversarial.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/loss_terms.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/network/mlp_discriminator.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/teacher/teacher.hpp>
#include <rolewise/train/adam.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/learner_traits.hpp>
#include <rolewise/train/loss_metrics.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/model_input.hpp>
#include <rolewise/train/top_k_accuracy.hpp>
#include <rolewise/train/training_step.hpp>

#include <cstdint>
#include <utility>

namespace rolewise::systems {

/// Weights and temperature of `lightweight_teacher_distillation`.
struct lightweight_options {
  rolewise::temperature temperature{4.0};  ///< T, also of what the discriminator sees
  fraction distillation{0.9};              ///< alpha
  weight adversary{0.1};                   ///< beta, at least 0
};

/// What tells the teacher's distributions over K classes from the student's, with its optimizer.
/// @param key of the weights that it starts with
[[nodiscard]] inline learner<mlp_discriminator, adam> lightweight_discriminator(
    std::int64_t classes, seed key = {})
{
  return {.model = mlp_discriminator{classes, {.seed = key}},
          .optimizer = {.learning_rate = 1e-3, .beta1 = 0.5}};
}

namespace detail {

/// @throws std::invalid_argument for a weight below 0, and logits of other shapes or devices
ROLEWISE_INLINE void check_lightweight(const lightweight_options& options,
                                       const paired_outputs& said);

}  // namespace detail

/// Training step of LW-KD. A small teacher was trained on simple synthetic images with as many
/// classes as the student's data, which it never sees: for an example of class y it is shown a
/// synthetic image of class y, so that its soft targets differ between the examples of a class.
///
///     p = softmax(teacher(image of class y) / T),   q = softmax(student(x) / T)
///     L_D = -mean log D(p) - mean log(1 - D(q))                        D learns
///     L_S = (1 - alpha) CE(z, y) + alpha T^2 KL(p || q) - beta mean log D(q)     then the student
///
/// The batch's own inputs reach the student alone. Labels are classes; with an agent that mixes,
/// the teacher is shown the class before it. The adversary's terms count each example alike.
///
/// Metrics: `loss`, L_S; cross entropy and divergence; `adversary`, -mean log D(q), and
/// `discriminator`, L_D; `.metric` of the student. `evaluated()` and `learning_rate()` are the
/// student's.
///
/// @tparam Sampler an agent for the teacher: `digits_of_class`, `example_of_class` or your own
/// @par Gradients
/// L_D reaches D alone, L_S the student alone. Both are computed of logits and stay finite, with a
/// finite gradient, where D tells all or nothing apart.
/// @par Determinism
/// The same members, batches and training progress give the same bits, for the same number of
/// threads.
/// @par Source
/// Liu, Zhang, Wang: Learning from a Lightweight Teacher for Efficient Knowledge Distillation,
/// 2020, arXiv:2005.09163, whose abstract says who learns from whom.
/// @par Departs
/// The paper was not at hand. That the discriminator sees distributions, its non-saturating loss,
/// the order of updates, weights, temperature and networks are ours.
template<typename TeacherType, typename StudentLearner, typename Sampler,
         typename DiscriminatorLearner, typename Agent = no_agent,
         typename MetricType = top_k_accuracy>
struct lightweight_teacher_distillation {
  static_assert(Teacher<TeacherType>,
                "lightweight_teacher_distillation: .teacher must satisfy Teacher; frozen(network) "
                "makes one");
  static_assert(
      Stateful<TeacherType> && Stateful<Sampler> && Stateful<Agent>,
      "lightweight_teacher_distillation: .teacher and agents must show their state (visit_state) "
      "or say has_state = false");
  static_assert(
      is_student_learner<StudentLearner>,
      "lightweight_teacher_distillation: .student must be a learner of a Student, such as "
      "learner{.model = network}");
  static_assert(is_learner<DiscriminatorLearner>,
                "lightweight_teacher_distillation: .discriminator must be a learner, such as "
                "lightweight_discriminator(classes)");
  static_assert(AugmentationAgent<Sampler> && AugmentationAgent<Agent>,
                "lightweight_teacher_distillation: .sampler, such as digits_of_class{}, and .agent "
                "must satisfy AugmentationAgent");
  static_assert(!HasParameters<Sampler> && !HasParameters<Agent>,
                "lightweight_teacher_distillation: an agent has parameters, which this step would "
                "never update");

  TeacherType teacher;
  StudentLearner student;
  Sampler sampler;  ///< what the teacher is shown
  DiscriminatorLearner discriminator;
  Agent agent{};  ///< of the student's view
  lightweight_options options{};
  rolewise::seed seed{0};  ///< of the views
  MetricType metric{};

  /// @throws std::invalid_argument for a negative weight, and a teacher of another number of
  ///         classes
  metrics operator()(const batch& examples, const training_progress& progress)
  {
    const rolewise::detail::gradients_on for_now{"lightweight_teacher_distillation"};
    student.begin(progress);
    discriminator.begin(progress);
    const auto shown = sampler(examples, progress, seed.split(role::teacher));
    const auto view =
        model_input(agent(examples, progress, seed.split(role::student)), student.model);
    const paired_outputs said{.teacher = teacher.forward(model_input(shown, student.model)),
                              .student = student.model.forward(view)};
    detail::check_lightweight(options, said);
    const auto targets = targets_of(view, progress);
    const auto softened = [&](const outputs& of) {
      return (of.logits / options.temperature.value()).softmax(1);
    };
    const auto p = softened(said.teacher).detach(), q = softened(said.student);

    const auto of_discriminator =
        discriminator_loss(discriminator.model(p), discriminator.model(q.detach()));
    discriminator.minimize(of_discriminator, progress);

    auto value = evaluate_loss_terms(loss(), said, targets);
    const auto of_adversary = deception_loss(discriminator.model(q));
    if (options.adversary.value() > 0.0)
      value.total = value.total + options.adversary.value() * of_adversary;
    student.minimize(value.total, progress);

    value.terms.push_back({"adversary", of_adversary.detach()});
    value.terms.push_back({"discriminator", of_discriminator.detach()});
    auto numbers = metrics_of(std::move(value));
    add_metric(numbers, metric, said.student, targets);
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
    visit_part(archive, "teacher", teacher);
    archive.part("student", student);
    archive.part("discriminator", discriminator);
    visit_part(archive, "sampler", sampler);
    visit_part(archive, "agent", agent);
  }

 private:
  [[nodiscard]] auto loss() const
  {
    const double alpha = options.distillation.value();
    return (1.0 - alpha) * cross_entropy{} + alpha * soft_target_kl{options.temperature};
  }
};

}  // namespace rolewise::systems

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/systems/implementation/lightweight_teacher.hpp>
#endif
