// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `fusible_steps`: uniform activation quantization that a layer can fuse with the operation
/// before it, so that the unquantized tensor is never stored.

#include <rolewise/quant/detail/learned_step.hpp>
#include <rolewise/quant/quantized.hpp>

#include <concepts>
#include <optional>

namespace rolewise::detail {

/// The parameters of a uniform activation quantizer, available before it receives a tensor: a
/// `affine_code_map` with one scale for the whole tensor and no shift, and a `backward_rule`, which
/// is `closed`, or `step` if the step is learned.
struct fusible_steps {
  backward_rule how = backward_rule::closed;
  step_rule rule{};         ///< `who` always; the rest if the step is learned
  affine_code_map fixed{};  ///< the map, if the step is not learned
  torch::Tensor step{};     ///< the learned step, with its gradient
  quantized codes{};        ///< complete but for levels and gradient proxy

  [[nodiscard]] affine_code_map map() const { return step.defined() ? rule.map(step, {}) : fixed; }
};

/// A state that reports its uniform quantization. `steps` returns nothing while the state still
/// needs a tensor to initialize from. After that, `observe` does not read its tensor, which may
/// be undefined.
template<typename S>
concept SaysItsSteps = requires(const S state, at::IntArrayRef sizes, bit_width bits) {
  { state.steps(sizes, bits) } -> std::same_as<std::optional<fusible_steps>>;
};

}  // namespace rolewise::detail
