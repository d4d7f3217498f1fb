// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Acceptance tests for every quantizer state, whatever its formula. Values and gradients are
/// tested for each quantizer on its own; so are integer kernels, which belong to layers.

#include "doctest.hpp"

#include <rolewise/quant/quantized_in.hpp>
#include <rolewise/train/snapshot.hpp>

#include <ATen/ops/_unique.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

namespace rolewise::laws {

struct accepted {
  std::vector<int> bits;
  double tolerance = 0.0;    ///< relative, of values quantized twice
  bool zeros_stay = true;    ///< whether a tensor of zeros is quantized to zeros
  bool refuses_nan = false;  ///< whether NaN and infinity throw; otherwise NaN propagates
};

namespace acceptance {

template<typename State>
void observe(State& state, const torch::Tensor& x, bit_width bits)
{
  if constexpr (requires { state.observe(x, bits); }) state.observe(x, bits);
}

[[nodiscard]] inline bool all_finite(const quantized& q)
{
  return q.values().isfinite().all().item<bool>();
}

/// The tensor with one row for each scale.
[[nodiscard]] inline torch::Tensor rows(const torch::Tensor& t, const quantized& q)
{
  const bool many = q.scale.defined() && q.scale.dim() > 0;
  return t.detach().reshape({many ? q.scale.numel() : 1, -1});
}

/// Checks that there are at most 2^b values per scale, monotone in x if the state `is_monotone`.
template<typename State>
void levels_are_few(const State& state, const torch::Tensor& x, bit_width bits)
{
  const quantized q = state(x, bits);
  const torch::Tensor in = rows(x, q), out = rows(q.values(), q);
  CHECK(q.values().sizes() == x.sizes());
  for (std::int64_t i = 0; i < in.size(0); ++i) {
    CHECK(std::get<0>(at::_unique(out[i])).numel() <= (std::int64_t{1} << bits.value()));
    if constexpr (requires { requires State::is_monotone; }) {
      const torch::Tensor sorted = out[i].index_select(0, in[i].argsort());
      CHECK((sorted.diff() >= 0).all().item<bool>());
    }
  }
}

/// Checks that codes are integers within the declared range and dequantize to the values.
template<typename State>
void codes_agree_with_values(const State& state, const torch::Tensor& x, bit_width bits)
{
  const quantized q = state(x, bits);
  if (!q.is_integer) return;
  const torch::Tensor codes = q.levels.detach().to(torch::kDouble);
  CHECK(torch::equal(codes, codes.round()));
  REQUIRE(q.range);
  CHECK(codes.min().item<double>() >= static_cast<double>(q.range->lowest));
  CHECK(codes.max().item<double>() <= static_cast<double>(q.range->highest));
  torch::Tensor values = codes - static_cast<double>(q.zero_point);
  if (q.scale.defined()) values = values * q.scale.to(torch::kDouble);
  if (q.offset.defined()) values = values + q.offset.to(torch::kDouble);
  CHECK(torch::allclose(q.values().detach().to(torch::kDouble), values, 1e-6, 0));
}

template<typename State>
void gradients_are_finite(const State& state, const torch::Tensor& x, bit_width bits)
{
  const torch::Tensor leaf = x.detach().clone().set_requires_grad(true);
  const torch::Tensor values = state(leaf, bits).values();
  CHECK(torch::equal(leaf.detach(), x));
  CHECK(torch::equal(state(leaf, bits).values(), values));
  values.square().sum().backward();
  REQUIRE(leaf.grad().defined());
  CHECK(leaf.grad().isfinite().all().item<bool>());
}

template<typename State>
void odd_tensors_pass(const State& state, const torch::Tensor& x, bit_width bits,
                      const accepted& wanted)
{
  const torch::Tensor zeros = state(torch::zeros_like(x), bits).values();
  CHECK(zeros.isfinite().all().item<bool>());
  if (wanted.zeros_stay) CHECK(zeros.count_nonzero().item<std::int64_t>() == 0);
  for (const double constant : {0.3, -0.3})
    CHECK(all_finite(state(torch::full_like(x, constant), bits)));
  auto shape = x.sizes().vec();
  shape[0] = 0;
  const torch::Tensor none = torch::empty(shape, x.options()).set_requires_grad(true);
  const torch::Tensor values = state(none, bits).values();
  CHECK(values.sizes() == none.sizes());
  values.sum().backward();
  CHECK(none.grad().sizes() == none.sizes());

  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    auto broken = x.clone();
    broken.as_strided({broken.numel()}, {1})[1] = bad;
    if (wanted.refuses_nan)
      CHECK_THROWS_AS((void)state(broken, bits), std::runtime_error);
    else if (bad != bad)
      CHECK_FALSE(all_finite(state(broken, bits)));
  }
}

/// Checks that a restored state continues as the original.
template<typename Start, typename State>
void state_survives(const Start& start, State state, const torch::Tensor& x, bit_width bits)
{
  if constexpr (state_must::be_shown<State>) {
    const auto saved = snapshot_of(state);
    auto other = start();
    restore(other, saved);
    for (int step = 0; step < 2; ++step) {
      CHECK(torch::equal(quantized_in(phase::evaluation, other, x, bits).values(),
                         quantized_in(phase::evaluation, state, x, bits).values()));
      observe(state, x * 1.5, bits);
      observe(other, x * 1.5, bits);
      CHECK(torch::equal(std::as_const(other)(x, bits).values(),
                         std::as_const(state)(x, bits).values()));
    }
  }
}

}  // namespace acceptance

/// @param start returns a fresh state
/// @param x without gradient
template<typename Start>
void accept_state(const Start& start, const torch::Tensor& x, const accepted& wanted)
{
  for (const int width : wanted.bits) {
    CAPTURE(width);
    const bit_width bits{width};
    auto state = start();
    acceptance::observe(state, x, bits);
    acceptance::levels_are_few(std::as_const(state), x, bits);
    acceptance::codes_agree_with_values(std::as_const(state), x, bits);
    acceptance::gradients_are_finite(std::as_const(state), x, bits);
    acceptance::odd_tensors_pass(std::as_const(state), x, bits, wanted);
    if constexpr (requires { requires decltype(state)::is_idempotent; }) {
      const auto once = std::as_const(state)(x, bits).values().detach();
      const auto twice = std::as_const(state)(once, bits).values();
      CHECK(torch::allclose(twice, once, wanted.tolerance, 0));
    }
    acceptance::state_survives(start, state, x, bits);
  }
}

/// Checks weights `[O, I, K, K]` and `[O, D]`, float32 and float64; 32 bits are the identity.
template<WeightQuantizer Q>
void accept_weights(const Q& q, const accepted& wanted)
{
  const layer_id place{"layer", layer_kind::convolution, 1, 3};
  const auto start = [&] { return q.start_weights(place); };
  torch::manual_seed(2);
  for (const auto type : {torch::kFloat, torch::kDouble}) {
    CAPTURE(type);
    const auto w = torch::randn({4, 3, 3, 3}, type) * 0.3;
    accept_state(start, w, wanted);
    accept_state(start, w.contiguous(torch::MemoryFormat::ChannelsLast), wanted);
    accept_state(start, torch::randn({5, 7}, type), wanted);
    CHECK(torch::equal(start()(w, bit_width{32}).values(), w));
  }
}

/// Checks activations `[N, C, H, W]` and `[N, D]`, before and after a ReLU; 32 bits are the ReLU.
template<ActivationQuantizer Q>
void accept_activations(const Q& q, const accepted& wanted)
{
  const layer_id place{"layer", layer_kind::convolution, 1, 3};
  const auto start = [&] { return q.start_activations(place); };
  torch::manual_seed(3);
  for (const auto type : {torch::kFloat, torch::kDouble}) {
    CAPTURE(type);
    const auto x = torch::randn({2, 3, 5, 4}, type);
    accept_state(start, x, wanted);
    accept_state(start, x.relu().contiguous(torch::MemoryFormat::ChannelsLast), wanted);
    accept_state(start, torch::randn({6, 7}, type), wanted);
    CHECK(torch::equal(start()(x, bit_width{32}).values(), x.relu()));
  }
}

}  // namespace rolewise::laws
