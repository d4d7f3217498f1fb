// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of LossFunction that no compiler can check.

#include "support/doctest.hpp"

#include <rolewise/core/state.hpp>
#include <rolewise/loss/loss_function.hpp>

#include <set>

namespace rolewise::laws {

/// A copy of a loss shares the memory of none of its tensors.
template<LossFunction L>
void copies_are_deep(L loss)
{
  if constexpr (state_must::be_shown<L>) {
    auto copy = loss;
    std::set<const void*> own;
    for_each_tensor(loss, [&](const std::string&, torch::Tensor& t, tensor_kind) {
      if (t.defined() && t.numel() > 0) own.insert(t.const_data_ptr());
    });
    for_each_tensor(copy, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
      CAPTURE(name);
      if (t.defined() && t.numel() > 0) CHECK(own.count(t.const_data_ptr()) == 0);
    });
  }
}

/// For a loss on hard and soft labels, with or without a teacher.
template<LossFunction L>
void hold_for_labels(const L& loss)
{
  torch::manual_seed(0);
  const auto wanted = torch::TensorOptions{}.dtype(torch::kFloat64).requires_grad(true);
  const auto sample = [&] {
    outputs said{.logits = torch::randn({5, 7}, wanted), .features = {}};
    if (L::wants_features)
      said.features = {torch::randn({5, 3, 4, 4}, wanted), torch::randn({5, 6}, wanted)};
    return said;
  };
  const auto teacher = sample(), student = sample();
  const auto logits_before = student.logits.detach().clone();
  const auto hard = torch::randint(7, {5}, torch::kLong);
  const auto soft = torch::softmax(torch::randn({5, 7}, torch::kFloat64), 1);

  for (const auto& labels : {hard, soft}) {
    const targets targets{.labels = labels, .ids = torch::arange(5), .progress = {}};
    const auto value = evaluate_loss(loss, {teacher, student}, targets);
    CHECK(value.dim() == 0);
    CHECK((value.scalar_type() == torch::kFloat64));
    CHECK(torch::equal(student.logits, logits_before));
    CHECK(torch::equal(value, evaluate_loss(loss, {teacher, student}, targets)));

    value.backward();
    CHECK(student.logits.grad().defined());
    student.logits.mutable_grad().reset();
    if (!reaches_teacher<L>()) CHECK_FALSE(teacher.logits.grad().defined());

    if (!reads_teacher<L>())
      CHECK(torch::equal(value, evaluate_loss(loss, {{}, student}, targets)));
  }
  copies_are_deep(loss);
}

}  // namespace rolewise::laws
