// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What a search for the student's policies maximises.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/moment.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/teacher/teacher.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/teacher_stddev.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace rolewise {

/// How many of the validation examples the student gets right, in evaluation mode: batch norm by
/// its running statistics, every example counted, in [0, 1].
struct student_accuracy {
  static constexpr std::string_view name = "student-accuracy";
  static constexpr bool trains_student = true;

  evaluation_options evaluation{};

  /// Forward passes of each validation example at a look.
  [[nodiscard]] double passes() const { return 1.0; }

  template<Judged Network>
  [[nodiscard]] double operator()(const Network& student, const dataset& validation) const
  {
    return accuracy(student, validation, evaluation);
  }
};

/// How little the teacher's mean answers differ under a policy (`teacher_stddev`): the negative of
/// T. stddev, on the validation examples. No student is trained.
///
/// What only blurs the teacher's answers lowers T. stddev, too, so there is a bound: the teacher's
/// accuracy on the changed images must stay above `accuracy_kept` times that on the images as they
/// are; what is missing is taken off the score.
///
/// @par Source
/// Wang, Lohit, Jones, Fu: What makes a "good" data augmentation in knowledge distillation: a
/// statistical perspective, 2022, arXiv 2012.02909.
/// @par Departs
/// There it ranks nine augmentations on training images and nothing is searched; the bound is ours.
template<AugmentationAgent Base = pad_crop_flip>
struct low_teacher_stddev {
  static constexpr std::string_view name = "low-teacher-stddev";
  static constexpr bool trains_student = false;

  /// Fewer passes than for a published value: the same for all trials, so differences are sharper
  /// than values.
  stddev_options<Base> measured{.epochs = 4};
  double accuracy_kept = 0.8;  ///< in [0, 1]; 0: no bound

  /// Answers of the teacher to each validation example at a look.
  [[nodiscard]] double passes() const
  {
    return 2.0 * static_cast<double>(measured.epochs) + (accuracy_kept > 0.0 ? 2.0 : 0.0);
  }

  template<Teacher Master, AugmentationAgent Policy>
  [[nodiscard]] double operator()(const Master& teacher, const Policy& policy,
                                  const dataset& validation) const
  {
    if (!(accuracy_kept >= 0.0 && accuracy_kept <= 1.0))
      refuse(name, "want accuracy_kept in [0, 1], got ", accuracy_kept);
    const double spread = teacher_stddev(teacher, validation, policy, measured).stddev;
    if (accuracy_kept == 0.0) return -spread;
    double plain = 0.0, changed = 0.0;
    for (const batch& examples :
         batches(validation, {.size = measured.batch_size, .shuffle = false})) {
      plain += right_answers(teacher, examples);
      changed += right_answers(
          teacher, policy(examples, moment{}, measured.seed.split(purpose{"bound of accuracy"})));
    }
    const auto count = static_cast<double>(validation.size());
    return -spread - std::max(0.0, (accuracy_kept * plain - changed) / count);
  }

 private:
  template<typename Master>
  [[nodiscard]] static double right_answers(const Master& teacher, const batch& examples)
  {
    const auto best = teacher.respond(examples, taps{}).logits.argmax(1).cpu();
    return static_cast<double>(best.eq(examples.labels).sum().template item<std::int64_t>());
  }
};

}  // namespace rolewise
