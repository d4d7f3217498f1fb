// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `lsq`: LSQ, learned step size quantization.

#include <rolewise/quant/detail/learned_step.hpp>
#include <rolewise/quant/fusible_steps.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace rolewise {

/// How the step of weights is initialized.
enum class step_start {
  mean_magnitude,  ///< 2 mean |w| / sqrt(Q_P), as in LSQ
  three_sigma      ///< max(|mu - 3 sigma|, |mu + 3 sigma|) / 2^(b-1), as in LSQ+
};

/// Options of weight quantization with a learned step.
struct lsq_weight_options {
  std::string_view who = "lsq";
  code_signs signs = code_signs::signed_codes;
  bool per_channel = false;
  step_start start = step_start::mean_magnitude;
};

/// The weight-quantization state of one layer in LSQ and LSQ+; formulas at `basic_lsq`.
class lsq_weights {
 public:
  static constexpr bool is_idempotent = true;
  static constexpr bool is_monotone = true;
  static constexpr bool takes_folded_weights = true;

  explicit lsq_weights(lsq_weight_options options);

  /// Called once, before training: gives per-channel steps their shape.
  void begin(const torch::Tensor& w) { step_.shape(shape_for(w), w.device()); }
  void observe(const torch::Tensor& w, bit_width bits);
  [[nodiscard]] quantized operator()(const torch::Tensor& w, bit_width bits) const;

  /// The step: 0-dimensional, or `[O, 1, ...]` per channel, which is undefined before `begin`.
  [[nodiscard]] const torch::Tensor& step() const { return step_.tensor(); }
  void start_ranges() { step_.start_as_it_is(); }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    step_.visit_state(archive, "step", "started");
    archive.value("bits", bits_);
  }

 private:
  [[nodiscard]] std::vector<std::int64_t> shape_for(const torch::Tensor& w) const;
  [[nodiscard]] torch::Tensor start_for(const torch::Tensor& w, bit_width bits) const;

  lsq_weight_options options_;
  detail::learned_range step_;
  std::int64_t bits_ = 0;  ///< of the last observation
};

/// The activation-quantization state of one layer in LSQ.
template<code_signs signs>
class lsq_activations {
 public:
  static constexpr bool is_idempotent = true;
  static constexpr bool is_monotone = true;
  static constexpr bool quantizes_signs = signs != code_signs::unsigned_codes;

  explicit lsq_activations(step_gradient_count counted) : counted_{counted} {}

  void observe(const torch::Tensor& x, bit_width bits);
  [[nodiscard]] quantized operator()(const torch::Tensor& x, bit_width bits) const;
  [[nodiscard]] std::optional<detail::fusible_steps> steps(at::IntArrayRef sizes,
                                                           bit_width bits) const;

  [[nodiscard]] const torch::Tensor& step() const { return step_.tensor(); }
  void start_ranges() { step_.start_as_it_is(); }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    step_.visit_state(archive, "step", "started");
    archive.value("bits", bits_);
  }

 private:
  [[nodiscard]] static detail::step_codes codes_for(bit_width bits);
  [[nodiscard]] detail::fusible_steps steps_by(const torch::Tensor& step, at::IntArrayRef sizes,
                                               bit_width bits) const;
  [[nodiscard]] static torch::Tensor start_for(const torch::Tensor& x, bit_width bits);

  step_gradient_count counted_;
  detail::learned_range step_;
  std::int64_t bits_ = 0;
};

/// LSQ quantization: weights and activations on uniform levels with a learned step.
///
///     codes Q_N' .. Q_P: `code_signs`;  c = round(clip(v / s, Q_N', Q_P)), half to even
///     values s c;  32 bits: weights as they are, activations rectified
///     d/dv = 1 where Q_N' < v/s < Q_P, else 0
///     d/ds = g (c - v/s) there, g c outside;  g = 1 / sqrt(N Q_P), N: `step_gradient_count`,
///            for weights the number of weights, also per channel
///     weights of one bit: values s sign(w) with sign(0) = +1, d/dw = 1, d/ds = g sign(w),
///            g = 1 / sqrt(N)
///
/// s starts as 2 mean |v| / sqrt(Q_P) of the first observed tensor that is not all zero (one-bit
/// weights: mean |w|). Checkpoints store s and whether it has started. Until then each tensor is
/// quantized with the initial step that it would give, or 1. s is a range (`archive.range`): no
/// weight decay, a learning rate of its own. A change of bit width rescales s so that s Q_P
/// stays. s stays at 1e-8 or above.
///
/// Codes are bytes where kernels run (float32 on the CPU, up to 8 bits): int8 for weights, uint8
/// for activations, signed ones with the zero point 2^(b-1).
///
/// v/s is computed by clipping v and multiplying by 1/s, so that s Q_P, as rounded, is exactly
/// the end.
///
/// @tparam Activations codes of activations; unsigned ones include the ReLU
/// @par Determinism
/// A function of arguments and step; sums do not depend on the number of threads.
/// @throws std::runtime_error if weights or the step are not finite or activations are NaN, on
///         the CPU; std::invalid_argument for signed activations of one bit and for unsigned
///         codes of weights
/// @par Source
/// Esser, McKinstry, Bablani, Appuswamy, Modha: Learned Step Size Quantization, ICLR 2020,
/// arXiv:1902.08153; code zhutmost/lsq-net.
/// @par Departs
/// One-bit weights are defined. lsq-net passes gradients at the exact ends of the range; the
/// formula, and this implementation, do not. The gradient is scaled directly, not by scaling the
/// step and back.
template<code_signs Activations = code_signs::unsigned_codes>
struct basic_lsq {
  static constexpr std::string_view name = "lsq";
  static constexpr bool rectifies = Activations == code_signs::unsigned_codes;

  using weights = lsq_weights;
  using activations = lsq_activations<Activations>;

  code_signs weight_signs = code_signs::signed_codes;
  bool per_channel = false;  ///< a step for each output channel of the weights
  step_gradient_count counted = step_gradient_count::numel;  ///< for activations

  [[nodiscard]] weights start_weights(const layer_id&) const
  {
    return weights{{.signs = weight_signs, .per_channel = per_channel}};
  }
  [[nodiscard]] activations start_activations(const layer_id&) const
  {
    return activations{counted};
  }
};

/// LSQ with unsigned activations.
using lsq = basic_lsq<>;

static_assert(Quantizer<lsq>);

template<code_signs signs>
detail::step_codes lsq_activations<signs>::codes_for(bit_width bits)
{
  if (signs != code_signs::unsigned_codes && bits.value() == 1)
    throw_invalid_argument(
        "lsq", "signed activations of one bit have no code above 0; want two bits or more");
  return detail::step_codes::of(signs, bits);
}

template<code_signs signs>
torch::Tensor lsq_activations<signs>::start_for(const torch::Tensor& x, bit_width bits)
{
  const torch::NoGradGuard without_graph;
  const auto most = static_cast<double>(codes_for(bits).most());
  const auto seen = signs == code_signs::unsigned_codes ? x.detach().clamp_min(0) : x.detach();
  return detail::mean_magnitude(seen) * (2.0 / std::sqrt(most));
}

template<code_signs signs>
void lsq_activations<signs>::observe(const torch::Tensor& x, bit_width bits)
{
  detail::observe_step(step_, bits_, signs, bits, [&] { return start_for(x, bits); });
}

template<code_signs signs>
quantized lsq_activations<signs>::operator()(const torch::Tensor& x, bit_width bits) const
{
  if (bits.is_full()) return {.levels = x.relu(), .scale = {}};
  const auto step = step_.is_started() ? step_.tensor() : detail::usable(start_for(x, bits));
  auto by = steps_by(step, x.sizes(), bits);
  by.codes.gradient_proxy =
      detail::gradient_proxy_by_learned_step(x, step, std::nullopt, by.rule, &by.codes.levels);
  return by.codes;
}

template<code_signs signs>
std::optional<detail::fusible_steps> lsq_activations<signs>::steps(at::IntArrayRef sizes,
                                                                   bit_width bits) const
{
  if (!step_.is_started()) return std::nullopt;
  return steps_by(step_.tensor(), sizes, bits);
}

template<code_signs signs>
detail::fusible_steps lsq_activations<signs>::steps_by(const torch::Tensor& step,
                                                       at::IntArrayRef sizes, bit_width bits) const
{
  const auto codes = codes_for(bits);
  const auto zero_point =
      signs == code_signs::unsigned_codes ? 0 : std::int64_t{1} << (bits.value() - 1);
  return {.how = detail::backward_rule::step,
          .rule = {.who = "lsq",
                   .codes = codes,
                   .zero_point = zero_point,
                   .gradient_scale = detail::step_gradient_scale(sizes, counted_, codes)},
          .step = step,
          .codes = {.scale = step.detach().clamp_min(detail::least_step),
                    .zero_point = zero_point,
                    .is_integer = true,
                    .range = level_range{codes.lowest + zero_point, codes.highest + zero_point}}};
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/lsq.hpp>
#endif
