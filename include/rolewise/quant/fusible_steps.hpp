// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Even steps of a quantizer of activations, for a layer that quantises what it never stores.

#include <rolewise/quant/detail/learned_step.hpp>
#include <rolewise/quant/quantised.hpp>

#include <concepts>
#include <optional>

namespace rolewise::detail {

/// What a state does to a tensor of activations, before it has seen one: codes by a `step_map` with
/// one number for all and no shift, and a `way_back`, which is `closed`, or `step` if the step is
/// learned.
struct fusible_steps {
  way_back how = way_back::closed;
  step_rule rule{};      ///< `who` always; the rest if a step is learned
  step_map fixed{};      ///< if none is
  torch::Tensor step{};  ///< with its gradient
  quantised codes{};     ///< all but levels and stand-in

  [[nodiscard]] step_map map() const { return step.defined() ? rule.map(step, {}) : fixed; }
};

/// A state that gives codes by even steps says by which: nothing as long as it must look at a
/// tensor first. From then on it does not look at what it observes, which may be undefined.
template<typename S>
concept SaysItsSteps = requires(const S state, at::IntArrayRef sizes, bit_width bits) {
  { state.steps(sizes, bits) } -> std::same_as<std::optional<fusible_steps>>;
};

}  // namespace rolewise::detail
