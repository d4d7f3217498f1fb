// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `binary_connect`: BinaryConnect, weights that are deterministic or stochastic signs.

#include <rolewise/quant/element_draws.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rolewise {

/// How the sign of a one-bit weight is chosen.
enum class binary_choice {
  deterministic,  ///< sign(w), sign(0) = +1
  stochastic      ///< + with probability clip((w / H + 1) / 2, 0, 1), drawn at each training step
};

/// The magnitude H of the one-bit weights of a layer.
enum class binary_size {
  one,    ///< H = 1
  glorot  ///< H = sqrt(1.5 / (fan in + fan out)); fans include the kernel size
};

/// One-bit weights: +-H, one H per layer.
///
/// H does not depend on the weights, so batch norm should follow the layer. In training the
/// stored weights are clamped to [-H, H] (`constrain`): beyond it the gradient would move them
/// without effect. Widths are 1 or 32 bits.
///
/// @par Gradients
/// The gradient of the values passes unchanged.
/// @par Determinism
/// Deterministic signs: a function of the arguments. Stochastic: also of seed, layer, step and
/// element; the step is counted in training and calibration and kept as state.
/// @throws std::invalid_argument for other widths
/// @throws std::runtime_error on the CPU, for weights that are not finite
/// @par Source
/// Courbariaux, Bengio, David: BinaryConnect: Training Deep Neural Networks with binary weights
/// during propagations, 2015, arXiv:1511.00363, section 2; code MatthieuCourbariaux/BinaryConnect.
/// @par Departs
/// Evaluation uses signs by default. The paper evaluates the stored weights in full precision
/// after stochastic training (`real_in_evaluation`): they are not one-bit weights. The
/// optimizer's updates are not scaled by the layer's size.
struct binary_connect {
  static constexpr std::string_view name = "binary-connect";

  class weights {
   public:
    static constexpr bool is_idempotent = true;

    weights(const binary_connect& how, const layer_id& place)
        : draws_{how.seed, place, purpose{"binary weights"}},
          choice_{how.choice},
          size_{how.size},
          real_in_evaluation_{how.real_in_evaluation},
          layer_{place.name}
    {}

    void observe(const torch::Tensor&, bit_width) { draws_.advance(); }
    void constrain(torch::Tensor& w, bit_width bits) const;
    [[nodiscard]] quantized operator()(const torch::Tensor& w, bit_width bits) const
    {
      return quantize(w, bits, choice_);
    }
    [[nodiscard]] quantized evaluated(const torch::Tensor& w, bit_width bits) const;
    /// H for weights of this shape.
    [[nodiscard]] double size_of(const torch::Tensor& w) const;

    template<typename Archive>
    void visit_state(Archive& archive)
    {
      archive.part("draws", draws_);
    }

   private:
    [[nodiscard]] quantized quantize(const torch::Tensor& w, bit_width bits,
                                     binary_choice choice) const;

    element_draws draws_;
    binary_choice choice_;
    binary_size size_;
    bool real_in_evaluation_;
    std::string layer_;
  };

  binary_choice choice = binary_choice::deterministic;
  binary_size size = binary_size::one;
  bool real_in_evaluation = false;
  rolewise::seed seed{0};  ///< of the stochastic signs

  [[nodiscard]] weights start_weights(const layer_id& place) const { return {*this, place}; }
};

static_assert(WeightQuantizer<binary_connect>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/binary_connect.hpp>
#endif
