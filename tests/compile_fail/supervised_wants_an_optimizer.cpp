// expect: supervised: .optimizer must satisfy Optimizer
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/supervised.hpp>

#include "support/least_student.hpp"

#include <vector>

struct state {
  void update(const std::vector<rolewise::named_tensor>&, const std::vector<torch::Tensor>&, double)
  {}
#ifdef ROLEWISE_CONTROL
  template<typename Archive>
  void visit_state(Archive&)
  {}
#endif
};

// An optimizer without `visit_state`: every checkpoint would lack its momentum.
struct forgetful_optimizer {
  double learning_rate = 0.1;
  state start(const std::vector<rolewise::named_tensor>&) const { return {}; }
};

auto use()
{
  return rolewise::supervised{.student = least_student{}, .optimizer = forgetful_optimizer{}};
}
