// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The promises of WeightQuantizer and ActivationQuantizer that no compiler can check.

#include "support/doctest.hpp"

#include <rolewise/quant/quantizer.hpp>

#include <ATen/ops/_unique.h>

#include <tuple>
#include <utility>

namespace rolewise::laws {

/// One state on one tensor at every small width; per-tensor scales.
template<typename State>
void state_quantises(State state, const torch::Tensor& input)
{
  for (const int bits : {1, 2, 3, 4, 8}) {
    CAPTURE(bits);
    const bit_width width{bits};
    if constexpr (requires { state.observe(input, width); }) state.observe(input, width);

    const auto x = input.clone().set_requires_grad(true);
    const auto before = x.detach().clone();
    const quantised q = std::as_const(state)(x, width);
    const auto values = q.values();
    CHECK(torch::equal(x.detach(), before));
    CHECK(values.sizes() == x.sizes());
    CHECK(torch::equal(std::as_const(state)(x, width).values(), values));
    CHECK(values.isfinite().all().template item<bool>());
    if (q.scale.defined() && q.scale.dim() == 0)
      CHECK(std::get<0>(at::_unique(q.levels.detach())).numel() <= (std::int64_t{1} << bits));
    if (q.is_integer) CHECK(torch::equal(q.levels.detach(), q.levels.detach().round()));

    values.square().sum().backward();
    REQUIRE(x.grad().defined());
    CHECK(x.grad().isfinite().all().template item<bool>());

    const auto zeros = torch::zeros_like(input);
    CHECK(std::as_const(state)(zeros, width).values().isfinite().all().template item<bool>());
  }
}

/// @pre The quantizer changes something, or widths below 32 are left out by layers.
template<Quantizer Q>
void hold_for(const Q& q)
{
  torch::manual_seed(0);
  const auto w = torch::randn({4, 3, 3, 3}, torch::kFloat64) * 0.2;
  const auto x = torch::randn({2, 3, 4, 4}, torch::kFloat64);
  const bit_width full{32};
  const layer_place place{"layer", layer_kind::convolution, 1, 3};

  CHECK(torch::equal(q.start_weights(place)(w, full).values(), w));
  CHECK(torch::equal(q.start_activations(place)(x, full).values(), x.relu()));
  if constexpr (!changes_nothing<Q>()) {
    state_quantises(q.start_weights(place), w);
    state_quantises(q.start_activations(place), x.relu());
  }
  if constexpr (rectifies<Q>())
    for (const int bits : {1, 2, 4, 32}) {
      const auto state = q.start_activations(place);
      CHECK(torch::equal(state(x, bit_width{bits}).values(),
                         state(x.relu(), bit_width{bits}).values()));
    }
}

}  // namespace rolewise::laws
