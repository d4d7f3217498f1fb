// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `pact`: PACT, activations clipped to [0, a] with a learned clip a.

#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/detail/learned_step.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/fusible_steps.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace rolewise {

/// Which parts of the activation mapping enter the gradient of the clip.
enum class pact_gradient {
  exact,     ///< also the step size, which grows with the clip
  clip_only  ///< clipped values only, as in the paper
};

/// Options of `pact`.
struct pact_options {
  std::optional<double> clip;  ///< the initial clip; none: from the first batch
  double decay = 0.0;
  pact_gradient gradient = pact_gradient::exact;
};

/// The activation-quantization state of one layer in PACT.
class pact_activations {
 public:
  static constexpr bool is_idempotent = true;
  static constexpr bool is_monotone = true;

  explicit pact_activations(pact_options options);

  void observe(const torch::Tensor& x, bit_width bits);
  [[nodiscard]] quantized operator()(const torch::Tensor& x, bit_width bits) const;
  /// None with `pact_gradient::clip_only`, whose sum the fused operation does not take.
  [[nodiscard]] std::optional<detail::fusible_steps> steps(at::IntArrayRef sizes,
                                                           bit_width bits) const;

  [[nodiscard]] const torch::Tensor& clip() const { return clip_.tensor(); }
  void start_ranges() { clip_.start_as_it_is(); }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    clip_.visit_state(archive, "clip", "started");
  }

 private:
  [[nodiscard]] static torch::Tensor start_for(const torch::Tensor& x);
  /// Scale and range of the codes.
  [[nodiscard]] static quantized codes_within(const torch::Tensor& clip, bit_width bits);

  pact_options options_;
  detail::learned_range clip_;
};

/// PACT quantization: activations on 2^k levels of [0, a], a learned; weights as in DoReFa.
///
///     n = 2^k - 1;  c = round(clip(x, 0, a) n / a), half to even;  values c a / n
///     32 bits: weights as they are, activations rectified
///     d/dx = 1 where 0 <= x < a, else 0
///     d/da = c/n - x/a inside, 1 where x >= a, 0 where x < 0           `pact_gradient::exact`
///          = 1 where x >= a, else 0                                    `pact_gradient::clip_only`
///
/// The exact gradient is LSQ's for the step a / n, divided by n. `decay` is the factor of an L2
/// penalty a^2 / 2 in the loss: every backward pass through the quantizer adds decay * a to the
/// gradient of a, so it goes through the optimizer like the rest of the gradient, whatever the
/// loss is multiplied by. (The optimizer's own weight decay skips ranges.)
///
/// a starts as the 99.9th percentile of the first observed batch that has positive values (its
/// largest value if the percentile is not positive), or as `clip`. Until then each tensor is
/// clipped at its own, or at 1. Checkpoints store a and whether it has started. It does not
/// change with the bit width, and stays at 1e-6 or above.
///
/// Codes are uint8 where kernels run (float32 on the CPU, up to 8 bits).
///
/// @par Determinism
/// A function of arguments and clip; sums do not depend on the number of threads.
/// @throws std::runtime_error if activations are NaN or the clip is not finite, on the CPU;
///         std::invalid_argument if options are out of range
/// @par Source
/// Choi, Wang, Venkataramani, Chuang, Srinivasan, Gopalakrishnan: PACT: Parameterized Clipping
/// Activation for Quantized Neural Networks, 2018, arXiv:1805.06085. The exact gradient is PACT+ of
/// foundation-model-stack/fms-model-optimizer.
/// @par Departs
/// The clip starts from data, not at a fixed number, and its gradient is exact by default.
struct pact {
  static constexpr std::string_view name = "pact";
  static constexpr bool rectifies = true;

  using weights = dorefa::weights;
  using activations = pact_activations;

  std::optional<double> clip{};
  double decay = 0.0;
  pact_gradient gradient = pact_gradient::exact;
  dorefa_gradient weight_gradient = dorefa_gradient::exact;

  [[nodiscard]] weights start_weights(const layer_id&) const { return {weight_gradient}; }
  [[nodiscard]] activations start_activations(const layer_id&) const
  {
    return activations{{clip, decay, gradient}};
  }
};

static_assert(Quantizer<pact>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/pact.hpp>
#endif
