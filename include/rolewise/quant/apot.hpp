// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `apot`: additive powers-of-two quantization.

#include <rolewise/quant/detail/learned_clip.hpp>
#include <rolewise/quant/detail/level_grid.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

/// Which parts of the weight mapping are differentiated; both forms are in use.
enum class apot_gradient {
  /// Mean and deviation count as constants; the gradient of the values passes outside the clip
  /// too.
  detached,
  /// Through mean and deviation; outside the clip nothing passes (except for one and two bits).
  differentiated
};

/// APoT quantization: levels that are sums of powers of two, within a learned clip.
///
///     grid of B bits: all sums of one term from each row, divided by the largest; 2^B levels
///     weights:     w' = (w - mean) / deviation,  z = clip(w' / clip, -1, 1)
///                  value = clip * sign(z) * nearest(|z|) on the grid of b - 1 bits
///     activations: z = clip(x / clip, 0, 1), value = clip * nearest(z) on the grid of b bits
///     32 bits:     weights as they are, activations rectified
///
/// Two-bit weights are -clip, 0, clip; one-bit weights are -clip and clip, one-bit activations 0
/// and clip. Mean and deviation (with n - 1) are taken over the whole tensor and not undone:
/// batch norm should follow. Ties go to the lower level.
///
/// Levels are integers over a common denominator (4, 10, 48, 100, 448 for grids of 2 to 6 bits),
/// and `range` holds their bounds.
///
/// @par Gradients
/// To the clip: sign(z) outside, level - z inside. To activations: passes on [0, clip]. To
/// weights: `apot_gradient`; these gradients grow as one over the deviation, and where it is
/// below 2^-80 (2^-40 where it is differentiated) they are divided by that constant instead, so
/// that they stay finite.
/// @par Determinism
/// A function of tensor, width and clip.
/// @par Source
/// Li, Dong, Wang: Additive Powers-of-Two Quantization: An Efficient Non-uniform Discretization for
/// Neural Networks, ICLR 2020, arXiv:1909.13144; code yhhhli/APoT_Quantization.
/// @par Departs
/// One bit is defined, and so are constant weights (deviation 1, so they become 0). More than 5
/// bits follow the paper's rule for the rows, which the released code does not cover. Released
/// code takes an unordered set of levels, in which ties fall either way.
struct apot {
  static constexpr std::string_view name = "apot";
  static constexpr bool rectifies = true;

  class weights;
  class activations;

  apot_gradient gradient = apot_gradient::detached;
  bool additive = true;            ///< false: single powers of two, grids of up to 5 bits
  double first_weight_clip = 3.0;  ///< in standard deviations of the weights
  double first_activation_clip = 8.0;

  /// @throws std::invalid_argument unless the first clip is above 0 and finite
  [[nodiscard]] weights start_weights(const layer_id& place) const;
  [[nodiscard]] activations start_activations(const layer_id& place) const;

  /// The levels of a grid, as integers; the last is their denominator.
  /// @throws std::invalid_argument unless 0 <= bits <= 8 (5 if not additive)
  [[nodiscard]] static std::vector<std::int64_t> grid(int bits, bool additive = true);
};

/// The weight-quantization state: a learned clip.
class apot::weights {
 public:
  static constexpr bool keeps_size = false;

  weights(const apot& settings, torch::Tensor clip) : settings_{settings}, clip_{std::move(clip)} {}

  /// @throws std::invalid_argument for 10 to 31 bits (7 to 31 if not additive)
  [[nodiscard]] quantized operator()(const torch::Tensor& w, bit_width bits) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.range("clip", clip_);
  }

 private:
  /// The weights minus their mean, divided by the larger of their deviation and its lower bound;
  /// and the factor by which they are still to be divided.
  [[nodiscard]] static std::pair<torch::Tensor, torch::Tensor> normalized(const torch::Tensor& w,
                                                                          bool differentiated);

  /// Lower bounds of the divisor: gradients grow as one over the deviation; below these they, or
  /// intermediates of LibTorch's gradient of the deviation, would overflow single precision.
  static constexpr double least_deviation = 0x1p-80, least_differentiated = 0x1p-40;

  apot settings_;
  torch::Tensor clip_;
};

/// The activation-quantization state: a learned clip.
class apot::activations {
 public:
  activations(const apot& settings, torch::Tensor clip)
      : additive_{settings.additive}, clip_{std::move(clip)}
  {}

  /// @throws std::invalid_argument for 9 to 31 bits (6 to 31 if not additive)
  [[nodiscard]] quantized operator()(const torch::Tensor& x, bit_width bits) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.range("clip", clip_);
  }

 private:
  bool additive_;
  torch::Tensor clip_;
};

inline apot::weights apot::start_weights(const layer_id& place) const
{
  return {*this, detail::first_clip(name, place, first_weight_clip)};
}

inline apot::activations apot::start_activations(const layer_id& place) const
{
  return {*this, detail::first_clip(name, place, first_activation_clip)};
}

static_assert(Quantizer<apot>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/apot.hpp>
#endif
