// expect: ensemble: the loss wants features, which do not average
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/teacher/ensemble_teacher.hpp>
#include <rolewise/train/distillation.hpp>

#include "support/tiny_student.hpp"

#include <string_view>
#include <vector>

struct featured {
  static constexpr bool has_state = false;
  static constexpr rolewise::taps offered_taps{rolewise::tap::stage<2>};
  rolewise::outputs forward(const rolewise::batch&, rolewise::taps) const { return {}; }
};

struct of_a_stage_of_the_teacher {
  static constexpr std::string_view name = "of-a-stage";
  static constexpr bool has_state = false;
  static constexpr rolewise::taps teacher_taps{rolewise::tap::stage<2>};
  torch::Tensor operator()(const rolewise::paired_outputs& pair) const
  {
    return pair.student.logits.sum();
  }
};

auto use_ensemble(const rolewise::testing::tiny_student& network)
{
  return rolewise::distillation{
#ifdef ROLEWISE_CONTROL
      .teacher = rolewise::with_features_of<0>(rolewise::ensemble(std::vector<featured>(2))),
#else
      .teacher = rolewise::ensemble(std::vector<featured>(2)),
#endif
      .student = network,
      .loss = of_a_stage_of_the_teacher{}};
}
