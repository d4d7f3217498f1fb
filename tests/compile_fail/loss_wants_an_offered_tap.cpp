// expect: a loss wants a tap that the network does not offer
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>

#include "support/tiny_student.hpp"

#include <string_view>

// Reads a stage of the student, which offers none.
struct of_a_stage {
  static constexpr std::string_view name = "of-a-stage";
  static constexpr bool has_state = false;
#ifndef ROLEWISE_CONTROL
  static constexpr rolewise::taps student_taps{rolewise::tap::stage<2>};
#endif
  torch::Tensor operator()(const rolewise::paired_outputs& pair) const
  {
    return pair.student.logits.sum();
  }
};

auto use(const rolewise::testing::tiny_student& network)
{
  return rolewise::distillation{
      .teacher = rolewise::frozen(network), .student = network, .loss = of_a_stage{}};
}
