// expect: distillation: .student_agent has parameters, which this step would never update
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>

#include <torch/types.h>

#include "support/tiny_student.hpp"

#include <string_view>
#include <vector>

// An agent with a learned gain: no optimizer of a plain distillation holds its parameter.
struct gain {
  static constexpr std::string_view name = "gain";

  torch::Tensor factor = torch::ones({1}).set_requires_grad(true);

  rolewise::batch operator()(rolewise::batch examples, const rolewise::training_progress&,
                             rolewise::seed) const
  {
    examples.inputs = normalized_inputs(examples) * factor;
    return examples;
  }
#ifndef ROLEWISE_CONTROL
  [[nodiscard]] std::vector<rolewise::named_tensor> parameters() const
  {
    return {{"factor", factor}};
  }
#endif
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("factor", factor);
  }
};

auto use(const rolewise::testing::tiny_student& network)
{
  return rolewise::distillation{.teacher = rolewise::frozen(network),
                                .student = network,
                                .student_agent = gain{},
                                .loss = rolewise::soft_target_kl{}};
}
