// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of DistillationLoss that no compiler can check.

#include "support/doctest.hpp"

#include "laws/loss_function.hpp"

#include <rolewise/loss/distillation_loss.hpp>

namespace rolewise::laws {

template<DistillationLoss L>
void hold_for(const L& loss)
{
  torch::manual_seed(0);
  const auto wanted = torch::TensorOptions{}.dtype(torch::kFloat64).requires_grad(true);
  const auto sample = [&] {
    outputs said{.logits = torch::randn({5, 7}, wanted), .features = {}};
    if (L::wants_features)
      said.features = {torch::randn({5, 3, 4, 4}, wanted), torch::randn({5, 6, 2, 2}, wanted),
                       torch::randn({5, 6}, wanted)};
    return said;
  };
  const auto teacher = sample(), student = sample();
  const auto logits_before = student.logits.detach().clone();

  const targets labels{torch::randint(7, {5}, torch::kLong), torch::arange(5), {}};
  const auto value_of = [&](const outputs& t, const outputs& s) {
    return evaluate_loss(loss, {t, s}, labels);
  };
  const auto score = value_of(teacher, student);
  CHECK(score.dim() == 0);
  CHECK((score.scalar_type() == torch::kFloat64));
  CHECK(torch::equal(student.logits, logits_before));
  CHECK(torch::equal(score, value_of(teacher, student)));

  score.backward();
  bool reaches_student = student.logits.grad().defined();
  for (const auto& f : student.features) reaches_student |= f.grad().defined();
  CHECK(reaches_student);
  if (!reaches_teacher<L>()) {
    CHECK_FALSE(teacher.logits.grad().defined());
    for (const auto& f : teacher.features) CHECK_FALSE(f.grad().defined());
  }

  bool has_minimum_at_teacher = true;
  if constexpr (requires { L::minimum_at_teacher; }) has_minimum_at_teacher = L::minimum_at_teacher;
  if (has_minimum_at_teacher)
    CHECK(value_of(teacher, teacher).template item<double>() <= score.template item<double>());

  if (!L::wants_features) {
    const outputs strange{.logits = student.logits, .features = {torch::Tensor{}}};
    CHECK(torch::equal(score, value_of({teacher.logits, {torch::Tensor{}}}, strange)));
  }
  copies_are_deep(loss);
}

}  // namespace rolewise::laws
