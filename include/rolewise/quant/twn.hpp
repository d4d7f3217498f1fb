// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `twn`: Ternary Weight Networks, values -a, 0 and a from statistics of the weights.

#include <rolewise/quant/detail/gradient_proxies.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/support/inline.hpp>

#include <string>
#include <string_view>

namespace rolewise {

/// The threshold above which weights are nonzero.
enum class twn_threshold {
  rule_of_thumb,  ///< |w| > factor * mean |w|
  optimal         ///< the least squared error, by sorting |w|
};

/// Ternary weights with one scale.
///
///     levels -1, 0, 1: sign(w) where |w| exceeds the threshold, scale mean |w| of those
///
/// Threshold and scale are those of the whole tensor. For a given threshold this scale minimizes
/// the squared error. All-zero weights stay 0. Widths are 2 or 32 bits.
///
/// @par Gradients
/// The gradient of the values passes unchanged; threshold and scale count as constants.
/// @par Determinism
/// A function of its arguments alone.
/// @throws std::invalid_argument for other widths
/// @throws std::runtime_error on the CPU, for weights that are not finite
/// @par Source
/// Li, Zhang, Liu: Ternary Weight Networks, 2016, arXiv:1605.04711; code fengfu-chris/caffe-twns.
/// @par Departs
/// The released code limits the threshold to 100. `optimal` is exact where the paper approximates.
struct twn {
  static constexpr std::string_view name = "twn";

  struct weights {
    static constexpr bool has_state = false;
    static constexpr bool is_monotone = true;
    static constexpr bool is_idempotent = true;

    twn_threshold threshold = twn_threshold::rule_of_thumb;
    double factor = 0.7;
    std::string layer{};

    [[nodiscard]] quantized operator()(const torch::Tensor& w, bit_width bits) const;
  };

  twn_threshold threshold = twn_threshold::rule_of_thumb;
  double factor = 0.7;  ///< of the mean |w|, for the rule of thumb

  [[nodiscard]] weights start_weights(const layer_id& place) const;
};

static_assert(WeightQuantizer<twn>);

namespace detail {

/// The mask of the k largest |w|, with the k that maximizes (sum of the k largest)^2 / k, by
/// which the squared error falls. Equal weights are never separated: between them the term is
/// convex in k.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor optimal_ternary_mask(const torch::Tensor& size);

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/twn.hpp>
#endif
