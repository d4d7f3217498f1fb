// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of Student that no compiler can check.

#include "doctest.hpp"
#include "taps.hpp"

#include <rolewise/core/taps.hpp>
#include <rolewise/student/student.hpp>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::laws {

/// Copies of all state tensors of a part.
template<state_must::be_shown P>
[[nodiscard]] std::vector<named_tensor> state_of(P& part)
{
  std::vector<named_tensor> all;
  for_each_tensor(part, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
    all.push_back({name, t.defined() ? t.detach().clone() : t});
  });
  return all;
}

[[nodiscard]] inline bool same_state(const std::vector<named_tensor>& a,
                                     const std::vector<named_tensor>& b)
{
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].name != b[i].name || a[i].value.defined() != b[i].value.defined()) return false;
    if (a[i].value.defined() && !torch::equal(a[i].value, b[i].value)) return false;
  }
  return true;
}

/// Offered taps are delivered where they are wanted, change no logits, and have a graph in
/// training.
template<Student S>
void taps_hold_for(const S& original, const batch& examples)
{
  constexpr auto offered = offered_taps<S>();
  auto student = original;
  const auto at_first = state_of(student);
  const auto logits = original.predict(examples).logits.detach();
  for (const auto& wanted : choices_of(offered)) {
    const auto predicted = original.predict(examples, wanted);
    are_delivered(predicted, wanted, examples);
    CHECK(torch::equal(predicted.logits.detach(), logits));
    have_their_shapes(original, predicted, examples);
    CHECK(same_state(state_of(student), at_first));

    auto learner = original;
    const auto answer = learner.forward(examples, wanted);
    are_delivered(answer, wanted, examples);
    for (const auto& [id, value] : answer.features)
      CHECK_MESSAGE(value.requires_grad(), tap_name{id}.view());
  }
  if constexpr (!offered.empty())
    refuse_others(offered, [&](const taps& wanted) { return original.predict(examples, wanted); });
}

template<Student S>
void hold_for(S student, const batch& examples)
{
  taps_hold_for(student, examples);
  const auto inputs = examples.inputs.clone();

  std::set<std::string> names;
  for (const auto& s : state_of(student)) CHECK_MESSAGE(names.insert(s.name).second, s.name);
  std::vector<std::string> shown, listed;
  for_each_tensor(student, [&](const std::string& name, torch::Tensor& t, tensor_kind kind) {
    if (is_learned(kind) && t.defined()) shown.push_back(name);
  });
  for (const auto& p : student.parameters()) listed.push_back(p.name);
  CHECK(shown == listed);

  // `predict` changes nothing.
  const auto at_first = state_of(student);
  const auto probed = std::as_const(student).predict(examples).logits.detach();
  CHECK(torch::equal(std::as_const(student).predict(examples).logits.detach(), probed));
  CHECK(same_state(state_of(student), at_first));
  CHECK(torch::equal(examples.inputs, inputs));
  CHECK(std::as_const(student).predict(examples).features.empty());
  {
    const torch::NoGradGuard without_graph;
    CHECK_FALSE(student.predict(examples).logits.requires_grad());
  }

  // The backward pass reaches every parameter, and `parameters()` returns the student's tensors.
  auto copy = student;
  const auto answer = student.forward(examples);
  CHECK(torch::equal(examples.inputs, inputs));
  CHECK(answer.features.empty());
  answer.logits.square().sum().backward();
  for (const auto& p : student.parameters()) CHECK_MESSAGE(p.value.grad().defined(), p.name);
  {
    const torch::NoGradGuard without_graph;
    for (auto& p : student.parameters()) p.value.add_(0.25);
  }
  CHECK_FALSE(torch::equal(student.predict(examples).logits.detach(), probed));

  // Copy and assignment are deep.
  CHECK(same_state(state_of(copy), at_first));
  CHECK(torch::equal(copy.predict(examples).logits.detach(), probed));
  for (const auto& p : copy.parameters()) CHECK_FALSE(p.value.grad().defined());
  auto third = copy;
  copy = student;
  CHECK(same_state(state_of(copy), state_of(student)));
  {
    const torch::NoGradGuard without_graph;
    for (auto& p : student.parameters()) p.value.add_(0.25);
  }
  CHECK_FALSE(same_state(state_of(copy), state_of(student)));
  CHECK(same_state(state_of(third), at_first));
}

}  // namespace rolewise::laws
