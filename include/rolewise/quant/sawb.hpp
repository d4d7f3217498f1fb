// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `sawb`: statistics-aware weight binning, a clip from the first two moments of the weights.

#include <rolewise/quant/detail/gradient_proxies.hpp>
#include <rolewise/quant/granularity.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/support/inline.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace rolewise {

/// The levels of SAWB weights.
enum class sawb_levels {
  without_zero,  ///< 2^b levels -a .. a; 1 to 5 and 8 bits
  with_zero      ///< 2^b - 1 levels -a .. a, 0 among them; 2, 4, 7 and 8 bits
};

/// The straight-through gradient of SAWB weights.
enum class sawb_gradient {
  unmasked,  ///< "SAWB+": passes everywhere, so that no weight gets stuck beyond the clip
  clipped    ///< "SAWB": passes where |w| <= a
};

/// Coefficients of the clip a = of_root_mean_square * sqrt(mean w^2) + of_mean_size * mean |w|.
struct sawb_coefficients {
  double of_root_mean_square = 0.0;
  double of_mean_size = 0.0;
};

/// The published coefficients for a bit width and a form of levels; empty where there are none.
///
/// They were fitted to the clips of least squared error of several symmetric distributions.
/// @par Source
/// fms_mo/quant of foundation-model-stack/fms-model-optimizer; one bit is the mean |w|.
[[nodiscard]] constexpr std::optional<sawb_coefficients> sawb_coefficients_for(bit_width bits,
                                                                               sawb_levels levels)
{
  const bool zero = levels == sawb_levels::with_zero;
  switch (bits.value()) {
    case 1:
      if (zero) return {};
      return sawb_coefficients{0.0, 1.0};
    case 2:
      return zero ? sawb_coefficients{2.6, -1.71} : sawb_coefficients{3.12, -2.064};
    case 3:
      if (zero) return {};
      return sawb_coefficients{7.509, -6.892};
    case 4:
      return zero ? sawb_coefficients{12.035, -12.03} : sawb_coefficients{12.68, -12.80};
    case 5:
      if (zero) return {};
      return sawb_coefficients{17.74, -18.64};
    case 7:
      if (!zero) return {};
      return sawb_coefficients{28.24, -30.81};
    case 8:
      return sawb_coefficients{31.76, -35.04};
    default:
      return {};
  }
}

/// Uniform weight quantization with a clip a that fits the distribution of the weights.
///
///     without zero: n = 2^b - 1, c = round((clip(w/a, -1, 1)/2 + 1/2) n), levels 2c - n, scale a/n
///     with zero:    q = 2^(b-1) - 1, levels round(clip(w/a, -1, 1) q), scale a/q
///
/// Half to even; one bit is sign(w), sign(0) = +1. Where the formula gives a <= 0 the clip is the
/// largest |w|; likewise for weights whose squares underflow to 0 in single precision (below
/// 1e-23). All-zero weights stay 0. 32 bits are the identity.
///
/// @par Gradients
/// `sawb_gradient`; the clip counts as a constant.
/// @par Determinism
/// A function of its arguments alone.
/// @throws std::invalid_argument for widths without coefficients
/// @throws std::runtime_error on the CPU, for weights that are not finite
/// @par Source
/// Choi, Chuang, Wang, Venkataramani, Srinivasan, Gopalakrishnan: Bridging the Accuracy Gap for
/// 2-bit Quantized Neural Networks (QNN), 2018, arXiv:1807.06964.
/// @par Departs
/// Evaluation computes the clip from the current weights; the code keeps a moving average of it.
/// The levels without zero are those that the coefficients were fitted to; the code's newer class
/// uses others.
struct sawb {
  static constexpr std::string_view name = "sawb";

  class weights;

  sawb_levels levels = sawb_levels::without_zero;
  sawb_gradient gradient = sawb_gradient::unmasked;
  granularity shared = granularity::per_tensor;
  /// Replace the published coefficients, at every bit width.
  std::optional<sawb_coefficients> coefficients{};

  [[nodiscard]] inline weights start_weights(const layer_id& place) const;
};

class sawb::weights {
 public:
  static constexpr bool has_state = false;
  static constexpr bool is_monotone = true;

  weights(const sawb& how, std::string layer) : how_{how}, layer_{std::move(layer)} {}

  [[nodiscard]] quantized operator()(const torch::Tensor& w, bit_width bits) const;

  /// The clips of weights, 0-dimensional or `[O]`.
  [[nodiscard]] torch::Tensor clip_of(const torch::Tensor& w, bit_width bits) const;

 private:
  sawb how_;
  std::string layer_;
};

sawb::weights sawb::start_weights(const layer_id& place) const { return {*this, place.name}; }

static_assert(WeightQuantizer<sawb>);

namespace detail {

/// Quantizes w with a nonzero clip that broadcasts against it.
[[nodiscard]] ROLEWISE_INLINE quantized sawb_quantized(const torch::Tensor& w,
                                                       const torch::Tensor& clip, bit_width bits,
                                                       sawb_levels levels);

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/sawb.hpp>
#endif
