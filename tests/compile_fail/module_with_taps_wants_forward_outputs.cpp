// expect: module_student: a module that offers taps wants outputs
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/student/module_student.hpp>

#include <torch/nn/cloneable.h>

#include <memory>

// A module that lists a tap and returns logits alone.
struct net : torch::nn::Cloneable<net> {
  static constexpr rolewise::taps offered_taps{rolewise::tap::penultimate};
  void reset() override {}
  torch::Tensor forward(torch::Tensor x) { return x; }
#ifdef ROLEWISE_CONTROL
  rolewise::outputs forward_outputs(const torch::Tensor& x, rolewise::taps)
  {
    return {.logits = x, .features = {{rolewise::tap::penultimate, x}}};
  }
#endif
};

auto use() { return rolewise::module_student{std::make_shared<net>()}; }
