// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of TrainingStep that no compiler can check.

#include "doctest.hpp"

#include <rolewise/data/dataset.hpp>
#include <rolewise/train/preparing_step.hpp>
#include <rolewise/train/snapshot.hpp>
#include <rolewise/train/training_step.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::laws {

/// `take` of a prepared batch equals a call with the batch, even with other steps in between.
template<PreparingStep Step>
void preparation_holds_for(Step in_step, Step apart, const dataset& data)
{
  const auto examples = data.examples();
  const auto at = [](std::int64_t step) {
    return training_progress{.epoch = 1, .step = step, .epochs = 2, .steps_per_epoch = 6};
  };
  buffer_pool buffers;
  auto prepare = apart.preparation();
  auto copy = prepare;
  auto first = prepare(examples, at(0), buffers);
  auto second = copy(examples, at(1), buffers);
  for (auto* prepared : {&first, &second}) {
    const auto progress = at(prepared == &first ? 0 : 1);
    const auto a = in_step(examples, progress), b = apart.take(std::move(*prepared), progress);
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      CHECK(a[i].name == b[i].name);
      CHECK(torch::equal(a[i].value, b[i].value));
    }
  }
}

/// @param make returns a fresh step, an equal one each time
template<typename Make>
void step_holds_for(const Make& make, const dataset& data)
{
  const auto examples = data.examples();
  const auto at = [](std::int64_t step) {
    return training_progress{.epoch = 0, .step = step, .epochs = 2, .steps_per_epoch = 6};
  };
  const auto inputs_before = examples.inputs.clone();

  auto whole = make();
  std::vector<std::string> names;
  for (std::int64_t s = 0; s < 3; ++s) {
    const auto numbers = whole(examples, at(s));
    REQUIRE_FALSE(numbers.empty());
    CHECK(numbers.front().name == "loss");
    std::vector<std::string> shown;
    for (const auto& each : numbers) {
      const auto& value = each.value;
      shown.push_back(each.name);
      CHECK(value.dim() == 0);
      CHECK(value.is_floating_point());
      CHECK_FALSE(value.requires_grad());
      CHECK(std::isfinite(value.template item<double>()));
    }
    if (names.empty()) names = shown;
    CHECK(shown == names);
  }
  CHECK(torch::equal(examples.inputs, inputs_before));

  // `visit_state` covers the whole state: a fresh step with the snapshot continues identically.
  const auto kept = snapshot_of(whole);
  auto resumed = make();
  restore(resumed, kept);
  auto copied = whole;
  for (std::int64_t s = 3; s < 6; ++s) {
    const auto a = whole(examples, at(s)), b = resumed(examples, at(s));
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(torch::equal(a[i].value, b[i].value));
  }
  const auto of_whole = snapshot_of(whole), of_resumed = snapshot_of(resumed);
  REQUIRE(of_whole.size() == of_resumed.size());
  for (std::size_t i = 0; i < of_whole.size(); ++i) {
    CHECK(of_whole[i].name == of_resumed[i].name);
    if (const auto* t = std::get_if<torch::Tensor>(&of_whole[i].value);
        t != nullptr && t->defined())
      CHECK(torch::equal(*t, std::get<torch::Tensor>(of_resumed[i].value)));
  }

  if constexpr (PreparingStep<decltype(whole)>) preparation_holds_for(make(), make(), data);

  // A copy is deep: unchanged by the original's three steps, it computes the same ones.
  for (std::int64_t s = 3; s < 6; ++s) (void)copied(examples, at(s));
  const auto of_copy = snapshot_of(copied);
  for (std::size_t i = 0; i < of_whole.size(); ++i)
    if (const auto* t = std::get_if<torch::Tensor>(&of_whole[i].value);
        t != nullptr && t->defined())
      CHECK(torch::equal(*t, std::get<torch::Tensor>(of_copy[i].value)));
}

}  // namespace rolewise::laws
