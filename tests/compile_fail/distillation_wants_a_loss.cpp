// expect: distillation: .loss must satisfy LossFunction or GradientCombination
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>

#include "support/least_student.hpp"

// Two loss terms without the rule that combines their gradients.
struct task_and_distillation {
  static constexpr std::string_view name = "both";
  static constexpr bool has_state = false;
  rolewise::cross_entropy task{};
  rolewise::cross_entropy distillation{};
#ifdef ROLEWISE_CONTROL
  torch::Tensor combine(const torch::Tensor& first, const torch::Tensor&,
                        const rolewise::training_progress&) const
  {
    return first;
  }
#endif
};

auto use()
{
  return rolewise::distillation{.teacher = rolewise::frozen(least_student{}),
                                .student = least_student{},
                                .loss = task_and_distillation{}};
}
