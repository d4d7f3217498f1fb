// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of Optimizer that no compiler can check.

#include "doctest.hpp"

#include <rolewise/train/optimizer.hpp>
#include <rolewise/train/snapshot.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::laws {

[[nodiscard]] inline std::vector<named_tensor> parameters_to_learn()
{
  return {{"weight", torch::linspace(-1.0, 1.0, 12).view({3, 4})},
          {"bias", torch::linspace(0.5, -0.5, 3)},
          {"left_alone", torch::ones({2})}};
}

/// The gradients of one step; the last parameter has none.
[[nodiscard]] inline std::vector<torch::Tensor> gradients_of(std::int64_t step)
{
  const auto t = static_cast<double>(step);
  return {torch::linspace(-0.3 + t, 0.4, 12).view({3, 4}).cos(),
          torch::linspace(0.1, 0.2 + t, 3).sin(), torch::Tensor{}};
}

[[nodiscard]] inline bool same_values(const std::vector<named_tensor>& a,
                                      const std::vector<named_tensor>& b)
{
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!torch::equal(a[i].value, b[i].value)) return false;
  return a.size() == b.size();
}

template<Optimizer O>
void hold_for(const O& optimizer)
{
  const auto steps = [](auto& state, const std::vector<named_tensor>& parameters,
                        std::int64_t first, std::int64_t last, double learning_rate) {
    for (auto step = first; step < last; ++step)
      state.update(parameters, gradients_of(step), learning_rate);
  };
  const auto first = parameters_to_learn();

  // Only parameters with gradients are updated, and gradients are not modified.
  const auto p = parameters_to_learn();
  auto state = optimizer.start(p);
  const auto gradients = gradients_of(0);
  state.update(p, gradients, 0.05);
  CHECK_FALSE(torch::equal(p[0].value, first[0].value));
  CHECK_FALSE(torch::equal(p[1].value, first[1].value));
  CHECK(torch::equal(p[2].value, first[2].value));
  CHECK(torch::equal(gradients[0], gradients_of(0)[0]));

  // `start` returns an equal state again: the configuration itself holds none.
  const auto q = parameters_to_learn();
  auto again = optimizer.start(q);
  steps(again, q, 0, 1, 0.05);
  CHECK(same_values(p, q));

  // A copy is deep and independent; `visit_state` covers the whole state.
  const auto copied = parameters_to_learn(), restored = parameters_to_learn();
  for (std::size_t i = 0; i < p.size(); ++i) {
    copied[i].value.copy_(p[i].value);
    restored[i].value.copy_(p[i].value);
  }
  auto copy = state;
  auto fresh = optimizer.start(restored);
  restore(fresh, snapshot_of(state));
  steps(state, p, 1, 5, 0.05);
  steps(copy, copied, 1, 5, 0.05);
  steps(fresh, restored, 1, 5, 0.05);
  CHECK(same_values(copied, p));
  CHECK(same_values(restored, p));

  // A learning rate of 0 changes nothing.
  const auto still = parameters_to_learn();
  auto unmoved = optimizer.start(still);
  steps(unmoved, still, 0, 3, 0.0);
  CHECK(same_values(still, first));
}

}  // namespace rolewise::laws
