// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `ttq`: trained ternary quantization, values -b, 0 and a with learned a and b.

#include <rolewise/quant/detail/gradient_proxies.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/support/inline.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace rolewise {

/// The initial values of the two scales of TTQ.
enum class ttq_start {
  one,   ///< both scales start at 1
  means  ///< at the mean |w| of the weights they replace, when weights are first observed
};

/// Ternary weights with two learned scales.
///
///     D = fraction * max |w|;  values a where w > D, -b where w < -D, else 0
///
/// One a and one b for each layer, kept at 2^-10 or above in training. The values are not
/// multiples of one scale, so there are no integer codes. Widths are 2 or 32 bits.
///
/// @par Gradients
/// G is the gradient of the values. To w: a G above D, G between, b G below -D; to a: the sum of G
/// above D; to b: minus the sum of G below -D. D counts as a constant.
/// @par Determinism
/// A function of the arguments and of the two scales.
/// @throws std::invalid_argument for other widths
/// @throws std::runtime_error on the CPU, for weights that are not finite
/// @par Source
/// Zhu, Han, Mao, Dally: Trained Ternary Quantization, ICLR 2017, arXiv:1612.01064; code
/// czhu95/ternarynet.
/// @par Departs
/// Weights at exactly +-D become 0, where the code gives them +-1. The gradient of b has the
/// minus sign that the level -b requires; several ports lack it. The lower bound of a and b is an
/// addition.
struct ttq {
  static constexpr std::string_view name = "ttq";

  class weights {
   public:
    static constexpr bool is_monotone = true;

    weights(double fraction, ttq_start start, std::string layer)
        : fraction_{fraction}, is_started_{start == ttq_start::one}, layer_{std::move(layer)}
    {}

    void observe(const torch::Tensor& w, bit_width bits);
    [[nodiscard]] quantized operator()(const torch::Tensor& w, bit_width bits) const;

    /// a and b: 0-dimensional, float32, learned.
    [[nodiscard]] const torch::Tensor& above() const { return above_; }
    [[nodiscard]] const torch::Tensor& below() const { return below_; }
    void start_ranges() { is_started_ = true; }

    template<typename Archive>
    void visit_state(Archive& archive)
    {
      archive.range("above", above_);
      archive.range("below", below_);
      archive.value("is_started", is_started_);
    }

   private:
    /// The masks w > D and w < -D.
    [[nodiscard]] std::pair<torch::Tensor, torch::Tensor> sides_of(const torch::Tensor& w) const;

    double fraction_;
    bool is_started_;
    std::string layer_;
    torch::Tensor above_ = at::ones({}, torch::kFloat).set_requires_grad(true);
    torch::Tensor below_ = at::ones({}, torch::kFloat).set_requires_grad(true);
  };

  double fraction = 0.05;  ///< of the largest |w|: the threshold D; in [0, 1)
  ttq_start start = ttq_start::one;

  [[nodiscard]] weights start_weights(const layer_id& place) const;
};

static_assert(WeightQuantizer<ttq>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/ttq.hpp>
#endif
