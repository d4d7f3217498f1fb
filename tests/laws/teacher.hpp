// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of Teacher that no compiler can check.

#include "support/doctest.hpp"

#include <rolewise/teacher/teacher.hpp>

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

  auto differentiable = examples;
  differentiable.inputs = normalized_inputs(examples).detach().set_requires_grad(true);
  CHECK_FALSE(teacher.forward(differentiable).logits.requires_grad());
}

}  // namespace rolewise::laws
