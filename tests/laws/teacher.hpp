// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of Teacher that no compiler can check.

#include "support/doctest.hpp"

#include <rolewise/teacher/teacher.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <stdexcept>
#include <string>

namespace rolewise::laws {

template<Teacher T>
void hold_for(const T& teacher, const batch& examples)
{
  const auto inputs = examples.inputs.clone();
  const auto first = teacher.forward(examples);
  CHECK(torch::equal(examples.inputs, inputs));
  REQUIRE(first.logits.dim() == 2);
  CHECK(first.logits.size(0) == examples.size());
  CHECK(first.logits.is_floating_point());
  CHECK_FALSE(first.logits.requires_grad());
  CHECK(first.features.empty());

  CHECK(torch::equal(teacher.forward(examples).logits, first.logits));
  const auto copy = teacher;
  CHECK(torch::equal(copy.forward(examples).logits, first.logits));

  // A gradient is computed to inputs that require one, and to nothing else, or it is refused.
  auto differentiable = examples;
  differentiable.inputs = normalized_inputs(examples).detach().set_requires_grad(true);
  {
    const torch::NoGradGuard off;
    CHECK_FALSE(teacher.forward(differentiable).logits.requires_grad());
  }
  try {
    const auto logits = teacher.forward(differentiable).logits;
    CHECK(torch::allclose(logits, first.logits, 1e-3, 1e-4));
    REQUIRE(logits.requires_grad());
    const auto found = torch::autograd::grad({logits.square().sum()}, {differentiable.inputs});
    CHECK(found[0].sizes() == differentiable.inputs.sizes());
    CHECK(found[0].isfinite().all().template item<bool>());
    CHECK(torch::equal(teacher.forward(examples).logits, first.logits));
  } catch (const std::invalid_argument& refusal) {
    CHECK(std::string{refusal.what()}.find("require a gradient") != std::string::npos);
  }
}

}  // namespace rolewise::laws
