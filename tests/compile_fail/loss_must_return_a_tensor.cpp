// expect: turn_outputs_into_one_tensor

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/loss/distillation_loss.hpp>

// A loss that returns a number instead of a tensor.
struct disagreement {
  static constexpr const char* name = "disagreement";
#ifdef ROLEWISE_CONTROL
  using result = torch::Tensor;
#else
  using result = double;
#endif
  result operator()(const rolewise::paired_outputs&) const { return {}; }
};

template<rolewise::DistillationLoss L>
void learn_by(const L&)
{}

void training() { learn_by(disagreement{}); }
