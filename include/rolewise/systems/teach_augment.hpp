// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// TeachAugment: augmentation that is learned to be hard for the student, and legible to a teacher.

#include <rolewise/agent/agent_replay.hpp>
#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/learned_augmentation.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/gradients_on.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/loss/loss_terms.hpp>
#include <rolewise/loss/non_saturating.hpp>
#include <rolewise/loss/sliced_wasserstein.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/systems/detail/teach_augment_parts.hpp>
#include <rolewise/teacher/teacher.hpp>
#include <rolewise/train/adamw.hpp>
#include <rolewise/train/ema.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/learner_traits.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/top_k_accuracy.hpp>
#include <rolewise/train/training_step.hpp>

#include <concepts>
#include <utility>

namespace rolewise::systems {

using augmenter = learner<learned_augmentation, adamw>;

/// The learning rate of the released code: linear warm-up, then half a cosine that begins after it
/// and is as long as the whole run, so that it does not end at 0 (0.00154 after 200 epochs).
/// @par Source
/// Code of arXiv:2202.12513 at 66ec099; the paper's figures are of another one, it says.
/// `warm_up{}` ends at 0.
struct teach_augment_lr {
  static constexpr bool has_state = false;

  double warm_up_epochs = 5.0;

  [[nodiscard]] double operator()(const training_progress& progress) const;
};

/// Training step of TeachAugment. The augmenter a learns to raise the student's loss, as far as a
/// teacher still knows the images; the student learns from what a, or an earlier a, makes:
///
///     average = 0.999 average + 0.001 student                            if .teacher is an ema
///     in every fifth step:
///       x' = a(x)
///       augmenter minimizes  -log(1 - p_student(y | x'))  +  CE(teacher(x'), y)
///                            +  10 sliced_wasserstein(colors of x, of x')
///     x' = cutout(a'(x)), a' drawn from the replay for each 8 images;  no gradient to it
///     student minimizes  loss(student(x'), teacher(x'), y)
///     after epochs 0, 10, 20, ...: the replay stores a copy of a
///
/// As published the teacher is the student's moving average, and `.loss` is on labels:
///
///     systems::teach_augment training{
///         .student = learner{.model = wide_resnet(28, 10, shape)},
///         .augmenter = {.model = learned_augmentation{shape}},
///         .agent = pad_crop_flip{}};
///
/// With `.teacher = frozen(network)` and a distillation loss it augments for a student, as agent of
/// the student's role; with an `ema` for a teacher-to-be.
///
/// In the augmenter's step student and average predict in training mode on copies, so that none of
/// their statistics moves; a frozen teacher predicts in evaluation mode. Only the augmenter gets a
/// gradient there, and only the student in the other. `evaluated()` predicts without augmentation.
///
/// Metrics: `loss` and its terms, `accuracy` on the views; of the augmenter's steps `adversarial`,
/// `teacher-cross-entropy` and `color-distance`, as means over those of an epoch.
///
/// @par Source
/// Suzuki: TeachAugment: Data Augmentation Optimization Using Teacher Knowledge, 2022,
/// arXiv:2202.12513; code at 66ec099. A frozen teacher and a distillation loss are ours.
/// @par Departs
/// Statistics of batch norm are averaged as well (the code keeps the average's own, which are wrong
/// in evaluation). The two draws of the code's distributed mode, one for each term, are left out.
/// The last group of a batch may have fewer images.
template<typename TeacherType = ema, typename StudentLearner = no_model, typename Agent = no_agent,
         typename Loss = cross_entropy>
struct teach_augment {
  using student_type = model_of<StudentLearner>;
  static constexpr bool has_average = std::same_as<TeacherType, ema>;

  static_assert(has_average || Teacher<TeacherType>,
                "teach_augment: .teacher must be an ema{} of the student, or satisfy Teacher, such "
                "as frozen(network)");
  static_assert(Student<student_type>,
                "teach_augment: .student must be a learner of a Student, such as "
                "learner{.model = network}");
  static_assert(
      AugmentationAgent<Agent> && Stateful<Agent> && !HasParameters<Agent>,
      "teach_augment: .agent must satisfy AugmentationAgent, without parameters, and show "
      "its state (visit_state) or say has_state = false; no_agent{} changes nothing");
  static_assert(LossFunction<Loss> && state_must::be_denied<Loss>,
                "teach_augment: .loss must satisfy LossFunction and say has_state = false");
  static_assert(!has_average || !reads_teacher<Loss>(),
                "teach_augment: .loss reads a teacher, .teacher must then be one, such as "
                "frozen(network)");

  TeacherType teacher = detail::default_teacher<TeacherType>();
  StudentLearner student;
  systems::augmenter augmenter;
  Agent agent{};  ///< before the augmenter, such as crops and flips
  Loss loss{};    ///< of the student
  teach_augment_options options{};
  agent_replay replay{};
  rolewise::seed seed{0};  ///< of views, gates and draws from the replay

  detail::student_average<student_type> average{};  ///< state between steps; internal, do not set

  metrics operator()(const batch& examples, const training_progress& progress)
  {
    const rolewise::detail::gradients_on for_now{"teach_augment"};
    detail::require_sound(options);
    student.begin(progress);
    augmenter.begin(progress);
    if constexpr (has_average) average.update(teacher, student.model, progress);
    const auto shown = agent(examples, progress, seed.split(role::both));
    detail::adversarial_terms terms;
    if (progress.step % options.student_steps == 0) terms = teach_augmenter(shown, progress);
    auto numbers = teach_student(shown, progress);
    detail::add_means(numbers, terms, shown.size());
    if (progress.step + 1 == progress.steps_per_epoch && progress.epoch % options.store_every == 0)
      replay.store(augmenter.model);
    return numbers;
  }

  [[nodiscard]] const student_type& evaluated() const { return student.evaluated(); }
  [[nodiscard]] double learning_rate(const training_progress& progress) const
  {
    return student.learning_rate(progress);
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    if constexpr (has_average) {
      average.begin(student.model);
      archive.part("average", average);
    } else {
      visit_part(archive, "teacher", teacher);
    }
    archive.part("student", student);
    archive.part("augmenter", augmenter);
    archive.part("replay", replay);
    visit_part(archive, "agent", agent);
  }

 private:
  /// Moves the augmenter alone.
  detail::adversarial_terms teach_augmenter(const batch& shown, const training_progress& progress)
  {
    const auto made = augmenter.model.augmented(shown, progress, seed.split(purpose{"augmenter"}));
    const auto view = rolewise::detail::on_device_of(student.model, made.view);
    const auto targets = targets_of(view, progress);
    auto learning = student.model;
    auto known = [&] {
      if constexpr (has_average) {
        auto averaged = average.model();
        return averaged.forward(view);
      } else {
        return teacher.forward(view);
      }
    }();
    detail::adversarial_terms terms{
        .student = non_saturating{options.smoothing}(
            {.teacher = {}, .student = learning.forward(view)}, targets),
        .teacher = cross_entropy{}({.teacher = {}, .student = std::move(known)}, targets),
        .color = sliced_wasserstein(
            made.plain, made.tinted,
            random_directions(seed.split(purpose{"directions"}), progress.epoch, progress.step,
                              options.directions, made.plain.size(1)))};
    augmenter.minimize(terms.total(options), progress);
    return terms;
  }

  /// Moves the student alone.
  metrics teach_student(const batch& shown, const training_progress& progress)
  {
    const auto view = rolewise::detail::on_device_of(
        student.model,
        detail::replayed_view(shown, augmenter.model, replay, options, progress, seed));
    const auto targets = targets_of(view, progress);
    paired_outputs pair;
    if constexpr (!has_average && reads_teacher<Loss>())
      pair.teacher = teacher.forward(view, teacher_taps<Loss>());
    pair.student = student.model.forward(view, student_taps<Loss>());
    auto found = evaluate_loss_terms(loss, pair, targets);
    student.minimize(found.total, progress);
    metrics numbers{{"loss", found.total.detach()}};
    for (auto& term : found.terms) numbers.push_back({std::move(term.name), std::move(term.value)});
    add_metric(numbers, top_k_accuracy{}, pair.student, targets);
    return numbers;
  }
};

}  // namespace rolewise::systems

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/systems/implementation/teach_augment.hpp>
#endif
