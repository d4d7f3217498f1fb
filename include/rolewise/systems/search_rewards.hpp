// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Rewards: what a search for the student's policies maximizes.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/measurement/teacher_stddev.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/teacher/teacher.hpp>
#include <rolewise/train/evaluate.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace rolewise::systems {

/// Validation accuracy of the student in evaluation mode, in [0, 1]: batch norm uses its running
/// statistics, and every example counts.
struct student_accuracy {
  static constexpr std::string_view name = "student-accuracy";
  static constexpr bool trains_student = true;

  evaluation_options evaluation{};

  /// Forward passes of each validation example per evaluation.
  [[nodiscard]] double passes() const { return 1.0; }

  template<Evaluable Network>
  [[nodiscard]] double operator()(const Network& student, const dataset& validation) const
  {
    return accuracy(student, validation, evaluation);
  }
};

/// Negative T. stddev of a policy on the validation examples (`measurement::teacher_stddev`):
/// higher if the teacher's mean predictions differ less under the policy. No student is trained.
///
/// An augmentation that only blurs the teacher's predictions lowers T. stddev too, so there is a
/// bound: the teacher's accuracy on the augmented images must stay above `accuracy_kept` times
/// that on the originals; the shortfall is subtracted from the score.
///
/// @par Source
/// Wang, Lohit, Jones, Fu: What makes a "good" data augmentation in knowledge distillation: a
/// statistical perspective, 2022, arXiv 2012.02909.
/// @par Departs
/// The paper ranks nine augmentations on training images and searches nothing; the bound is an
/// addition.
template<AugmentationAgent Base = pad_crop_flip>
struct low_teacher_stddev {
  static constexpr std::string_view name = "low-teacher-stddev";
  static constexpr bool trains_student = false;

  /// Fewer epochs than for a published value: they are the same for all trials, so differences are
  /// more precise than values.
  measurement::stddev_options<Base> measured{.epochs = 4};
  double accuracy_kept = 0.8;  ///< in [0, 1]; 0: no bound

  /// Forward passes of the teacher for each validation example per evaluation.
  [[nodiscard]] double passes() const
  {
    return 2.0 * static_cast<double>(measured.epochs) + (accuracy_kept > 0.0 ? 2.0 : 0.0);
  }

  template<Teacher TeacherType, AugmentationAgent Policy>
  [[nodiscard]] double operator()(const TeacherType& teacher, const Policy& policy,
                                  const dataset& validation) const
  {
    if (!(accuracy_kept >= 0.0 && accuracy_kept <= 1.0))
      throw_invalid_argument(name, "want accuracy_kept in [0, 1], got ", accuracy_kept);
    const double spread = measurement::teacher_stddev(teacher, validation, policy, measured).stddev;
    if (accuracy_kept == 0.0) return -spread;
    double plain = 0.0, changed = 0.0;
    for (const batch& examples :
         batches(validation, {.size = measured.batch_size, .shuffle = false})) {
      plain += correct_predictions(teacher, examples);
      changed += correct_predictions(
          teacher,
          policy(examples, training_progress{}, measured.seed.split(purpose{"bound of accuracy"})));
    }
    const auto count = static_cast<double>(validation.size());
    return -spread - std::max(0.0, (accuracy_kept * plain - changed) / count);
  }

 private:
  template<typename TeacherType>
  [[nodiscard]] static double correct_predictions(const TeacherType& teacher, const batch& examples)
  {
    const auto shown = detail::on_device_of(teacher, examples);
    const auto best = teacher.forward(shown, taps{}).logits.argmax(1).cpu();
    return static_cast<double>(best.eq(examples.labels).sum().template item<std::int64_t>());
  }
};

}  // namespace rolewise::systems
