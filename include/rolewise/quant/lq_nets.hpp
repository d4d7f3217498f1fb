// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `lq_nets`: LQ-Nets, levels that are sums over a basis fitted to the quantized tensor.

#include <rolewise/quant/detail/level_grid.hpp>
#include <rolewise/quant/detail/lq_basis.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/support/inline.hpp>

#include <cmath>
#include <string_view>
#include <utility>

namespace rolewise {

/// How fitted bases are averaged over steps, with the factor 0.9.
enum class lq_average {
  corrected,  ///< divided by the sum of its weights: after one step, that step's basis
  plain       ///< v <- 0.9 v + 0.1 fitted: the first basis has influence for some 20 steps
};

/// LQ-Nets quantization: levels v . e of a basis v of K numbers, K = bits.
///
///     weights:     e in {-1, 1}^K, a basis for each output
///     activations: e in {0, 1}^K, one basis for the layer
///     thresholds:  midway between levels, the lower level at a threshold
///     fit:         (B'B + epsilon I) v = B'x + epsilon v_stored, B the codes under the basis
///                  in use
///     first basis: v_j = 2^j 0.6745 / (2^(K-1)) sqrt(2 / n) for weights (n = spatial size times
///                  outputs), 2^j 0.6745 2 / (2^K - 1) for activations
///     32 bits:     weights as they are, activations rectified
///
/// Each training step fits once and moves the stored basis; its own output uses the basis stored
/// before. After a change of bit width a layer restarts from the first basis of that width.
/// Levels are not integers: sums of them are not exact.
///
/// @par Gradients
/// Weights: passes unchanged. Activations: passes up to the largest level. None to the basis,
/// which is a `buffer`, not learned.
/// @par Determinism
/// A function of tensor, width and basis; the basis of all observed tensors.
/// @par Source
/// Zhang, Yang, Ye, Hua: LQ-Nets: Learned Quantization for Highly Accurate and Compact Deep Neural
/// Networks, ECCV 2018, arXiv:1807.10029; code microsoft/LQ-Nets.
/// @par Departs
/// Evaluation uses the basis of the last training step, not the one that this step has fitted.
/// The fit of activations has an epsilon too (a bit that is never set makes the system singular).
/// Bases are kept at 0 or above and sorted.
struct lq_nets {
  static constexpr std::string_view name = "lq-nets";

  class weights;
  class activations;

  lq_average average = lq_average::corrected;
  double epsilon = 1e-4;

  /// @throws std::invalid_argument unless epsilon is above 0 and finite
  [[nodiscard]] weights start_weights(const layer_id& place) const;
  [[nodiscard]] activations start_activations(const layer_id& place) const;
};

/// The weight-quantization state: a basis for each output.
class lq_nets::weights {
 public:
  explicit weights(detail::lq_basis basis) : basis_{std::move(basis)} {}

  /// Fits the basis; called in training and calibration, before the quantization.
  void observe(const torch::Tensor& w, bit_width bits)
  {
    if (!bits.is_full()) basis_.observe(rows(w.detach()), first(w, bits));
  }

  /// @throws std::invalid_argument for 9 to 31 bits
  [[nodiscard]] quantized operator()(const torch::Tensor& w, bit_width bits) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    basis_.visit_state(archive);
  }

 private:
  [[nodiscard]] static bool is_channels_last(const torch::Tensor& w)
  {
    return w.dim() == 4 && w.is_contiguous(torch::MemoryFormat::ChannelsLast);
  }
  [[nodiscard]] static torch::Tensor rows(const torch::Tensor& w)
  {
    return (is_channels_last(w) ? w.permute({0, 2, 3, 1}) : w).reshape({w.size(0), -1});
  }
  [[nodiscard]] static torch::Tensor in_shape_of(const torch::Tensor& w, const torch::Tensor& rows);
  [[nodiscard]] static torch::Tensor first(const torch::Tensor& w, bit_width bits);

  detail::lq_basis basis_;
};

/// The activation-quantization state: one basis.
class lq_nets::activations {
 public:
  explicit activations(detail::lq_basis basis) : basis_{std::move(basis)} {}

  /// Fits the basis; called in training and calibration, before the quantization.
  void observe(const torch::Tensor& x, bit_width bits);

  /// @throws std::invalid_argument for 9 to 31 bits
  [[nodiscard]] quantized operator()(const torch::Tensor& x, bit_width bits) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    basis_.visit_state(archive);
  }

 private:
  [[nodiscard]] static torch::Tensor first(const torch::Tensor& x, bit_width bits)
  {
    return detail::first_basis(x, 1, bits, 0.6745 * 2.0 / (std::exp2(bits.value()) - 1.0));
  }

  detail::lq_basis basis_;
};

namespace detail {

[[nodiscard]] ROLEWISE_INLINE lq_basis basis_for(const lq_nets& settings, bool is_signed);

}  // namespace detail

inline lq_nets::weights lq_nets::start_weights(const layer_id&) const
{
  return weights{detail::basis_for(*this, true)};
}

inline lq_nets::activations lq_nets::start_activations(const layer_id&) const
{
  return activations{detail::basis_for(*this, false)};
}

static_assert(Quantizer<lq_nets>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/lq_nets.hpp>
#endif
