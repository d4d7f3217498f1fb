// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// TST, "teaching what you should teach": augmentation that is learned to show what the teacher
/// knows and the student does not.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/learned_operations.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/gradients_on.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/loss/non_saturating.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/systems/detail/tst_parts.hpp>
#include <rolewise/teacher/teacher.hpp>
#include <rolewise/train/interludes.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/learner_traits.hpp>
#include <rolewise/train/plateau_lr.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/top_k_accuracy.hpp>
#include <rolewise/train/training_step.hpp>

#include <cstdint>
#include <utility>

namespace rolewise::systems {

using learned_policy = learner<learned_operations, sgd, plateau_lr>;

/// The augmentation of `tst` with what trains it, as published: SGD at 0.01, and a learning rate
/// that falls on plateaus.
[[nodiscard]] inline learned_policy policy_of(operation_encoders encoders,
                                              const learned_operations_options& options = {})
{
  return {.model = learned_operations{std::move(encoders), options},
          .optimizer = {
              .learning_rate = 0.01, .momentum = 0.9, .nesterov = false, .weight_decay = 0.0}};
}

/// The student's loss in `tst`: cross-entropy, and soft targets at T = 4 times T^2.
[[nodiscard]] inline auto tst_loss(double alpha = 1.0, temperature t = temperature{4.0})
{
  return 1.0 * cross_entropy{} + alpha * soft_target_kl{.temperature = t};
}

/// Training step of TST: learned operations that make images which the teacher classifies and the
/// student does not, and a student that is distilled on them.
///
///     systems::tst training{.teacher = frozen(pretrained),
///                           .student = learner{.model = resnet8(shape)},
///                           .policy = systems::policy_of(fit_operation_encoders(data)),
///                           .searches = {.before = {30, 90}, .passes = 30}};
///     fit(training, data, {.epochs = training.searches.epochs_with(240)});
///
/// Stage I is `fit_operation_encoders`. Then, with x' the view that `policy` makes of x:
///
///     stage II, in `searches`:   policy  minimizes  CE(teacher(x')) - log(1 - p_student(y | x'))
///     stage III, in all others:  student minimizes  loss(x')/2 + loss(x)/2, in one forward pass
///
/// In stage II the student predicts in evaluation mode and nothing of it changes; each search has a
/// new optimizer, and goes on from the last one's values. In stage III the policy is fixed. Without
/// searches it stays at its first values: random augmentation, which a search has to beat.
///
/// Metrics, of the step's stage and on x' alone but for the loss: `loss`, `teacher-cross-entropy`,
/// `non-saturating` (the two terms of stage II), `accuracy`. `learning_rate` is the student's, in a
/// search the policy's without what plateaus took of it.
///
/// @par Determinism
/// The same members, batches and training progress give the same bits, for the same number of
/// threads.
/// @par Source
/// Shao et al.: Teaching What You Should Teach: A Data-Based Distillation Method, 2022,
/// arXiv:2212.05422; code shaoshitong/TST, f9616a2.
/// @par Departs
/// See `learned_operations`, which has the released form, too. The code adds 1e-8 in the logarithm,
/// which `non_saturating` does without, and ignores the rate that is set for stage II.
template<typename TeacherType = detail::missing, typename StudentLearner = detail::missing,
         typename Agent = no_agent, typename Loss = decltype(tst_loss())>
struct tst {
  static_assert(Teacher<TeacherType>,
                "tst: .teacher must satisfy Teacher; frozen(network) makes one");
  static_assert(Stateful<TeacherType>,
                "tst: .teacher must show its state (visit_state) or say has_state = false");
  static_assert(is_student_learner<StudentLearner>,
                "tst: .student must be a learner of a Student, such as learner{.model = network}");
  static_assert(AugmentationAgent<Agent> && Stateful<Agent> && !HasParameters<Agent>,
                "tst: .agent must satisfy AugmentationAgent, without parameters, and show its "
                "state (visit_state) or say has_state = false; no_agent{} changes nothing");
  static_assert(LossFunction<Loss> && state_must::be_denied<Loss>,
                "tst: .loss must satisfy LossFunction and say has_state = false, such as "
                "systems::tst_loss()");

  TeacherType teacher;
  StudentLearner student;
  learned_policy policy;
  interludes searches{.before = {30, 90}, .passes = 30};
  Agent agent{};  ///< of both stages, before the learned operations
  Loss loss = tst_loss();
  rolewise::seed seed{0};  ///< of views and gates

  detail::pass_mean loss_of_pass{};  ///< state between steps; internal, do not set

  metrics operator()(const batch& examples, const training_progress& run)
  {
    const auto at = searches(run);
    const auto key = at.is_inside
                         ? seed.split(purpose{"search"}).split(static_cast<std::uint64_t>(at.begun))
                         : seed;
    const auto shown = agent(examples, at.progress, key.split(role::both));
    return at.is_inside ? search(shown, at.progress, key) : teach(shown, at.progress, key);
  }

  [[nodiscard]] const auto& evaluated() const { return student.evaluated(); }
  [[nodiscard]] double learning_rate(const training_progress& run) const
  {
    const auto at = searches(run);
    return at.is_inside ? policy.optimizer.learning_rate : student.learning_rate(at.progress);
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    visit_part(archive, "teacher", teacher);
    archive.part("student", student);
    archive.part("policy", policy);
    archive.part("plateau", policy.lr_schedule);
    archive.part("loss_of_pass", loss_of_pass);
    visit_part(archive, "agent", agent);
  }

 private:
  /// Stage II: moves the policy alone.
  metrics search(const batch& shown, const training_progress& pass, rolewise::seed key)
  {
    const rolewise::detail::gradients_on for_now{"tst"};
    if (pass.global_step() == 0) {
      policy.learner_state = {};
      policy.lr_schedule = policy.lr_schedule.restarted();
    }
    const auto view = policy.model(shown, pass, key);
    const auto targets = targets_of(view, pass);
    const auto said = student.model.predict(view);
    const auto terms = detail::teachable({teacher.forward(view), said}, targets);
    policy.minimize(terms.total, pass);
    loss_of_pass.add(terms.total.detach(), view.size());
    if (pass.step + 1 == pass.steps_per_epoch) policy.lr_schedule.observe(loss_of_pass.take());
    return detail::search_metrics(said, targets, terms.total.detach(), terms);
  }

  /// Stage III: moves the student alone.
  metrics teach(const batch& shown, const training_progress& epoch, rolewise::seed key)
  {
    const rolewise::detail::gradients_on for_now{"tst"};
    student.begin(epoch);
    const auto view = detail::without_graph([&] { return policy.model(shown, epoch, key); });
    const auto both = detail::joined_views(view, shown);
    const auto targets = targets_of(both, epoch);
    constexpr auto of_teacher = teacher_taps<Loss>(), of_student = student_taps<Loss>();
    const paired_outputs pair{teacher.forward(both, of_teacher),
                              student.model.forward(both, of_student)};
    const auto total = evaluate_loss(loss, pair, targets);
    student.minimize(total, epoch);
    const auto half = detail::first_logits(pair, view.size());
    const auto targets_of_view = targets_of(view, epoch);
    return detail::search_metrics(half.student, targets_of_view, total.detach(),
                                  detail::teachable(half, targets_of_view));
  }
};

}  // namespace rolewise::systems
