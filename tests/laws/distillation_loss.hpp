// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of DistillationLoss that no compiler can check.

#include "doctest.hpp"
#include "loss_function.hpp"

#include <rolewise/loss/distillation_loss.hpp>

namespace rolewise::laws {

template<DistillationLoss L>
void hold_for(const L& plain)
{
  torch::manual_seed(0);
  const auto loss = configured(plain);
  const auto teacher = sample_outputs(teacher_taps<L>());
  const auto student = sample_outputs(student_taps<L>());
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
  for (const auto& f : student.features) reaches_student |= f.value.grad().defined();
  CHECK(reaches_student);
  if (!reaches_teacher<L>()) {
    CHECK_FALSE(teacher.logits.grad().defined());
    for (const auto& f : teacher.features) CHECK_FALSE(f.value.grad().defined());
  }

  if (minimum_at_teacher<L>())
    CHECK(value_of(teacher, teacher).template item<double>() <= score.template item<double>());

  CHECK((broken_invariances(loss, teacher, student, labels) == std::vector<std::string>{}));

  // Features that are not declared are not read.
  const auto with_others = [](outputs said) {
    for (const auto id : {tap::embedding, tap::stage<0>, tap::before_activation<3>,
                          tap::penultimate, tap::auxiliary<1>})
      if (!said.features.contains(id)) said.features.set(id, torch::Tensor{});
    return said;
  };
  CHECK(torch::equal(score, value_of(with_others(teacher), with_others(student))));
  copies_are_deep(loss);
  configuring_again_changes_nothing(plain);
}

}  // namespace rolewise::laws
