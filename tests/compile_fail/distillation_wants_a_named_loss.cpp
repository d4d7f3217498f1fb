// expect: distillation: .loss must carry_a_name_for_the_report
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>

#include "support/least_student.hpp"

struct nameless_loss {
  static constexpr bool has_state = false;
#ifdef ROLEWISE_CONTROL
  static constexpr const char* name = "named";
#endif
  torch::Tensor operator()(const rolewise::paired_outputs&) const { return {}; }
};

auto use()
{
  return rolewise::distillation{.teacher = rolewise::frozen(least_student{}),
                                .student = least_student{},
                                .loss = nameless_loss{}};
}
