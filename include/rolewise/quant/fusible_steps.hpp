// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `fusible_steps`: uniform activation quantization that a layer can fuse with the operation
/// before it, so that the unquantized tensor is never stored.

#include <rolewise/quant/detail/learned_clip.hpp>
#include <rolewise/quant/detail/learned_step.hpp>
#include <rolewise/quant/quantized.hpp>

#include <concepts>
#include <optional>

namespace rolewise::detail {

/// The parameters of a uniform activation quantizer, available before it receives a tensor: a
/// `affine_code_map` with one scale for the whole tensor and no shift, and a `backward_rule`:
/// `closed`, `step` if the step is learned, `clip` if the upper end is.
struct fusible_steps {
  backward_rule how = backward_rule::closed;
  step_rule rule{};         ///< `who` always; the rest if something is learned
  affine_code_map fixed{};  ///< the map, if nothing is learned
  torch::Tensor step{};     ///< the learned step or upper end, with its gradient
  double decay = 0.0;       ///< the gradient of `step` gets this times `step`
  quantized codes{};        ///< complete but for levels and gradient proxy

  [[nodiscard]] affine_code_map map() const
  {
    if (!step.defined()) return fixed;
    if (how == backward_rule::clip)
      return code_map_within(step, static_cast<double>(rule.codes.highest));
    return rule.map(step, {});
  }
  /// The gradient of `step`, from the sum of its `backward_rule`.
  [[nodiscard]] torch::Tensor gradient_of_step(const torch::Tensor& sum) const
  {
    const auto found = scaled_for(step, sum, rule.gradient_scale);
    return decay == 0.0 ? found : found + step * decay;
  }
};

/// A state that reports its uniform quantization. `steps` returns nothing while the state still
/// needs a tensor to initialize from. After that, `observe` does not read its tensor, which may
/// be undefined.
template<typename S>
concept SaysItsSteps = requires(const S state, at::IntArrayRef sizes, bit_width bits) {
  { state.steps(sizes, bits) } -> std::same_as<std::optional<fusible_steps>>;
};

}  // namespace rolewise::detail
