// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of WeightQuantizer and ActivationQuantizer that no compiler can check.
///
/// A state may declare more: `static constexpr bool is_idempotent = true`, that quantized values
/// are quantized to themselves, and `is_monotone`, that larger inputs never get smaller values.

#include "doctest.hpp"

#include <rolewise/quant/quantizer.hpp>

#include <ATen/ops/_unique.h>

#include <tuple>
#include <utility>

namespace rolewise::laws {

/// Checks that there are at most 2^b levels for each scale.
inline void has_few_levels(const quantized& q, int bits)
{
  const auto count = [](const torch::Tensor& levels) {
    return std::get<0>(at::_unique(levels)).numel();
  };
  const auto levels = q.levels.detach();
  if (q.scale.defined() && q.scale.dim() == 0) CHECK(count(levels) <= (std::int64_t{1} << bits));
  if (q.scale.defined() && q.scale.dim() > 0)
    for (std::int64_t i = 0; i < levels.size(0); ++i)
      CHECK(count(levels[i]) <= (std::int64_t{1} << bits));
}

/// Checks the invariants of `quantized`.
inline void is_sound(const quantized& q)
{
  const auto levels = q.levels.detach();
  if (q.is_integer) CHECK(torch::equal(levels, levels.round()));
  if (!levels.is_floating_point()) CHECK(q.gradient_proxy.defined());
  if (q.range) {
    CHECK(levels.min().item<double>() >= static_cast<double>(q.range->lowest));
    CHECK(levels.max().item<double>() <= static_cast<double>(q.range->highest));
  }
}

/// Checks `is_idempotent` and `is_monotone` of states that declare them.
template<typename State>
void keeps_its_word(const State& state, const torch::Tensor& x, const torch::Tensor& values,
                    bit_width width)
{
  if constexpr (requires { requires State::is_idempotent; })
    CHECK(torch::equal(state(values, width).values(), values));
  if constexpr (requires { requires State::is_monotone; }) {
    if (state(x, width).scale.dim() > 0) return;
    const auto order = std::get<1>(x.flatten().sort());
    CHECK(values.flatten().index_select(0, order).diff().ge(0).all().template item<bool>());
  }
}

/// Checks one state on one tensor at small bit widths.
template<typename State>
void state_quantizes(State state, const torch::Tensor& input)
{
  if constexpr (requires { state.begin(input); }) state.begin(input);
  for (const int bits : {1, 2, 3, 4, 8}) {
    CAPTURE(bits);
    const bit_width width{bits};
    if constexpr (requires { state.observe(input, width); }) state.observe(input, width);

    const auto x = input.clone().set_requires_grad(true);
    const auto before = x.detach().clone();
    const quantized q = std::as_const(state)(x, width);
    const auto values = q.values();
    CHECK(torch::equal(x.detach(), before));
    CHECK(values.sizes() == x.sizes());
    CHECK((values.scalar_type() == x.scalar_type()));
    CHECK(torch::equal(std::as_const(state)(x, width).values(), values));
    CHECK(values.isfinite().all().template item<bool>());
    has_few_levels(q, bits);
    is_sound(q);
    keeps_its_word(std::as_const(state), before, values.detach(), width);

    values.square().sum().backward();
    REQUIRE(x.grad().defined());
    CHECK(x.grad().isfinite().all().template item<bool>());

    const auto zeros = torch::zeros_like(input);
    CHECK(std::as_const(state)(zeros, width).values().isfinite().all().template item<bool>());
  }
}

/// Bit widths below 32 are not checked if the quantizer `changes_nothing`: layers omit it.
template<Quantizer Q>
void hold_for(const Q& q)
{
  torch::manual_seed(0);
  const auto w = torch::randn({4, 3, 3, 3}, torch::kFloat64) * 0.2;
  const auto x = torch::randn({2, 3, 4, 4}, torch::kFloat64);
  const bit_width full{32};
  const layer_id place{"layer", layer_kind::convolution, 1, 3};

  CHECK(torch::equal(q.start_weights(place)(w, full).values(), w));
  CHECK(torch::equal(q.start_activations(place)(x, full).values(), x.relu()));
  if constexpr (!changes_nothing<Q>())
    for (const auto type : {torch::kFloat64, torch::kFloat32}) {  // tensor operations and kernels
      state_quantizes(q.start_weights(place), w.to(type));
      state_quantizes(q.start_activations(place), x.relu().to(type));
    }
  if constexpr (rectifies<Q>())
    for (const int bits : {1, 2, 4, 32}) {
      const auto state = q.start_activations(place);
      CHECK(torch::equal(state(x, bit_width{bits}).values(),
                         state(x.relu(), bit_width{bits}).values()));
    }
}

}  // namespace rolewise::laws
