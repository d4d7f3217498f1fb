// expect: module_teacher: a module with forward_outputs wants static constexpr taps
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/teacher/module_teacher.hpp>

#include <torch/nn/module.h>

#include <memory>

// A module that returns features and lists no taps, so that no loss could want one.
struct net : torch::nn::Module {
#ifdef ROLEWISE_CONTROL
  static constexpr rolewise::taps offered_taps{rolewise::tap::penultimate};
#endif
  rolewise::outputs forward_outputs(const rolewise::batch& examples, rolewise::taps)
  {
    return {.logits = examples.inputs, .features = {{rolewise::tap::penultimate, examples.inputs}}};
  }
};

auto use() { return rolewise::module_teacher{std::make_shared<net>()}; }
