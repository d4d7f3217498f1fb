// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of Teacher that no compiler can check.

#include "doctest.hpp"
#include "taps.hpp"

#include <rolewise/core/taps.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <stdexcept>
#include <string>

namespace rolewise::laws {

/// The examples with inputs that require a gradient: images are normalized. No inputs if they are
/// token indices, which have none.
[[nodiscard]] inline batch differentiable(batch examples)
{
  if (examples.inputs.dim() == 4) examples = normalized(examples);
  if (examples.inputs.is_floating_point())
    examples.inputs = examples.inputs.detach().clone().set_requires_grad(true);
  else
    examples.inputs = torch::Tensor{};
  return examples;
}

/// Offered taps are delivered where they are wanted, and change no logits. Their features have a
/// graph to inputs that require a gradient, and no other.
template<Teacher T>
void taps_hold_for(const T& teacher, const batch& examples)
{
  constexpr auto offered = offered_taps<T>();
  const auto logits = teacher.forward(examples).logits;
  const auto asking = differentiable(examples);
  for (const auto& wanted : choices_of(offered)) {
    const auto first = teacher.forward(examples, wanted);
    are_delivered(first, wanted, examples);
    CHECK(torch::equal(first.logits, logits));
    have_their_shapes(teacher, first, examples);
    const auto again = teacher.forward(examples, wanted);
    for (const auto& [id, value] : first.features) {
      CAPTURE(tap_name{id}.view());
      CHECK_FALSE(value.requires_grad());
      CHECK(torch::equal(again.features[id], value));
    }
    if (!asking.inputs.defined() || wanted.empty()) continue;
    try {
      const auto found = teacher.forward(asking, wanted);
      for (const auto& [id, value] : found.features) {
        CAPTURE(tap_name{id}.view());
        REQUIRE(value.requires_grad());
        CHECK(torch::autograd::grad({value.square().sum()}, {asking.inputs}, {}, true)[0]
                  .isfinite()
                  .all()
                  .template item<bool>());
      }
    } catch (const std::invalid_argument& refusal) {
      CHECK(std::string{refusal.what()}.find("require a gradient") != std::string::npos);
    }
  }
  if constexpr (!offered.empty())
    refuse_others(offered, [&](const taps& wanted) { return teacher.forward(examples, wanted); });
}

template<Teacher T>
void hold_for(const T& teacher, const batch& examples)
{
  taps_hold_for(teacher, examples);
  const auto inputs = examples.inputs.clone();
  const auto first = teacher.forward(examples);
  CHECK(torch::equal(examples.inputs, inputs));
  REQUIRE(first.logits.dim() >= 2);
  CHECK(first.logits.size(0) == examples.size());
  CHECK(first.logits.is_floating_point());
  CHECK_FALSE(first.logits.requires_grad());
  CHECK(first.features.empty());

  CHECK(torch::equal(teacher.forward(examples).logits, first.logits));
  const auto copy = teacher;
  CHECK(torch::equal(copy.forward(examples).logits, first.logits));

  // A gradient is computed to inputs that require one, and to nothing else, or it is refused.
  const auto asking = differentiable(examples);
  if (!asking.inputs.defined()) return;
  {
    const torch::NoGradGuard off;
    CHECK_FALSE(teacher.forward(asking).logits.requires_grad());
  }
  try {
    const auto logits = teacher.forward(asking).logits;
    CHECK(torch::allclose(logits, first.logits, 1e-3, 1e-4));
    REQUIRE(logits.requires_grad());
    const auto found = torch::autograd::grad({logits.square().sum()}, {asking.inputs});
    CHECK(found[0].sizes() == asking.inputs.sizes());
    CHECK(found[0].isfinite().all().template item<bool>());
    CHECK(torch::equal(teacher.forward(examples).logits, first.logits));
  } catch (const std::invalid_argument& refusal) {
    CHECK(std::string{refusal.what()}.find("require a gradient") != std::string::npos);
  }
}

}  // namespace rolewise::laws
