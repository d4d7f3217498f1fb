// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of LossFunction that no compiler can check.

#include "doctest.hpp"

#include <rolewise/core/state.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/loss/loss_function.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

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

/// Random outputs of 5 examples and 7 classes with features of the wanted taps, in double
/// precision, with gradients: maps `[5, 3, 4, 4]`, the penultimate vector `[5, 6]`.
inline outputs sample_outputs(const taps& wanted)
{
  const auto learned = torch::TensorOptions{}.dtype(torch::kFloat64).requires_grad(true);
  outputs said{.logits = torch::randn({5, 7}, learned), .features = {}};
  wanted.for_each([&](tap_id id) {
    said.features.set(id, id == tap::penultimate ? torch::randn({5, 6}, learned)
                                                 : torch::randn({5, 3, 4, 4}, learned));
  });
  return said;
}

/// The loss, configured for such outputs, its state in double precision.
template<LossFunction L>
[[nodiscard]] L configured(L loss)
{
  const auto shapes_of = [](const taps& wanted) {
    feature_shapes shapes;
    wanted.for_each([&](tap_id id) {
      shapes.set(id, id == tap::penultimate ? std::vector<std::int64_t>{6}
                                            : std::vector<std::int64_t>{3, 4, 4});
    });
    return shapes;
  };
  configure_loss(loss, shapes_of(teacher_taps<L>()), shapes_of(student_taps<L>()));
  if constexpr (state_must::be_shown<L>)
    for_each_tensor(loss, [](const std::string&, torch::Tensor& t, tensor_kind) {
      if (t.defined()) t = t.detach().to(torch::kFloat64).set_requires_grad(t.requires_grad());
    });
  return loss;
}

/// Configuring again with the same shapes changes nothing.
template<LossFunction L>
void configuring_again_changes_nothing(const L& loss)
{
  if constexpr (wants_configuration<L>() && state_must::be_shown<L>) {
    auto once = configured(loss);
    std::vector<torch::Tensor> before;
    for_each_tensor(once, [&](const std::string&, torch::Tensor& t, tensor_kind) {
      before.push_back(t.defined() ? t.clone() : t);
    });
    auto twice = configured(once);
    std::size_t i = 0;
    for_each_tensor(twice, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
      CAPTURE(name);
      const auto& then = before.at(i++);
      CHECK(t.defined() == then.defined());
      if (t.defined() && then.defined()) CHECK(torch::equal(t, then));
    });
  }
}

/// The declared invariances of a loss that do not hold for these inputs.
template<LossFunction L>
[[nodiscard]] std::vector<std::string> broken_invariances(const L& loss, const outputs& teacher,
                                                          const outputs& student,
                                                          const targets& labels)
{
  const torch::NoGradGuard without_graph;
  std::vector<std::string> broken;
  const auto value = evaluate_loss(loss, {teacher, student}, labels);
  const auto require = [&](const char* what, const outputs& t, const outputs& s,
                           const targets& own) {
    const auto other = evaluate_loss(loss, {t, s}, own);
    if (!torch::allclose(other, value, 1e-9, 1e-12)) broken.emplace_back(what);
  };
  const auto shifted = [](outputs said) {
    said.logits = said.logits + 10.0 * torch::randn({said.logits.size(0), 1}, torch::kFloat64);
    return said;
  };
  constexpr auto declared = invariances_of<L>();
  if (declared.student_shift) require("student_shift", teacher, shifted(student), labels);
  if (declared.teacher_shift) require("teacher_shift", shifted(teacher), student, labels);
  if (!declared.example_order) return broken;

  const auto order = torch::arange(student.logits.size(0)).flip(0);
  const auto reordered = [&](const torch::Tensor& t) {
    return t.defined() ? t.index_select(0, order) : t;
  };
  const auto reorder = [&](const outputs& said, const taps& wanted) {
    outputs found{.logits = reordered(said.logits), .features = {}};
    wanted.for_each([&](tap_id id) { found.features.set(id, reordered(said.features[id])); });
    return found;
  };
  require("example_order", reorder(teacher, teacher_taps<L>()), reorder(student, student_taps<L>()),
          {.labels = reordered(labels.labels),
           .ids = reordered(labels.ids),
           .progress = labels.progress,
           .weights = reordered(labels.weights)});
  return broken;
}

/// For a loss on hard and soft labels, with or without a teacher.
template<LossFunction L>
void hold_for_labels(const L& loss)
{
  torch::manual_seed(0);
  const auto teacher = sample_outputs(teacher_taps<L>());
  const auto student = sample_outputs(student_taps<L>());
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
    CHECK((broken_invariances(loss, teacher, student, targets) == std::vector<std::string>{}));
    auto weighted = targets;
    weighted.weights = torch::rand({5}, torch::kFloat64) + 0.5;
    CHECK((broken_invariances(loss, teacher, student, weighted) == std::vector<std::string>{}));
  }
  copies_are_deep(loss);
}

}  // namespace rolewise::laws
