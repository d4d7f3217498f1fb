// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of Objective that no compiler can check.

#include "support/doctest.hpp"

#include <rolewise/loss/objective.hpp>

namespace rolewise::laws {

/// @param needs_teacher false for an objective that must work without a teacher
template<Objective O>
void hold_for(const O& objective, bool needs_teacher)
{
  torch::manual_seed(0);
  const auto wanted = torch::TensorOptions{}.dtype(torch::kFloat64).requires_grad(true);
  const auto sample = [&] {
    outputs said{.logits = torch::randn({5, 7}, wanted), .features = {}};
    if (O::wants_features)
      said.features = {torch::randn({5, 3, 4, 4}, wanted), torch::randn({5, 6}, wanted)};
    return said;
  };
  const auto teacher = sample(), student = sample();
  const auto logits_before = student.logits.detach().clone();
  const auto hard = torch::randint(7, {5}, torch::kLong);
  const auto soft = torch::softmax(torch::randn({5, 7}, torch::kFloat64), 1);

  for (const auto& labels : {hard, soft}) {
    const targets targets{.labels = labels, .ids = torch::arange(5), .progress = {}};
    const auto score = objective({teacher, student}, targets);
    CHECK(score.dim() == 0);
    CHECK((score.scalar_type() == torch::kFloat64));
    CHECK(torch::equal(student.logits, logits_before));
    CHECK(torch::equal(score, objective({teacher, student}, targets)));

    score.backward();
    CHECK(student.logits.grad().defined());
    student.logits.mutable_grad().reset();
    CHECK_FALSE(teacher.logits.grad().defined());

    if (!needs_teacher) CHECK(torch::equal(score, objective({{}, student}, targets)));
  }
}

}  // namespace rolewise::laws
