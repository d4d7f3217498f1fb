// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `twn`: Ternary Weight Networks, values -a, 0 and a from statistics of the weights.

#include <rolewise/quant/detail/gradient_proxies.hpp>
#include <rolewise/quant/quantizer.hpp>

#include <string>
#include <string_view>
#include <tuple>

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

  [[nodiscard]] weights start_weights(const layer_id& place) const
  {
    if (!(factor >= 0)) throw_invalid_argument(name, "factor is ", factor, ", want 0 or more");
    return {threshold, factor, place.name};
  }
};

static_assert(WeightQuantizer<twn>);

namespace detail {

/// The mask of the k largest |w|, with the k that maximizes (sum of the k largest)^2 / k, by
/// which the squared error falls. Equal weights are never separated: between them the term is
/// convex in k.
[[nodiscard]] inline torch::Tensor optimal_ternary_mask(const torch::Tensor& size)
{
  const auto sorted = std::get<0>(size.flatten().sort(0, true)).to(torch::kDouble);
  const auto k = at::arange(1, sorted.numel() + 1, sorted.options());
  const auto best = (sorted.cumsum(0).square() / k).argmax();
  return size.ge(sorted[best.item<std::int64_t>()].to(size.scalar_type()));
}

}  // namespace detail

inline quantized twn::weights::operator()(const torch::Tensor& w, bit_width bits) const
{
  if (bits.is_full()) return {.levels = w, .scale = {}};
  detail::require_bits(name, layer, bits, bit_width{2}, "its weights have three values");
  constexpr level_range range{-1, 1};
  if (w.numel() == 0) return detail::empty_levels(w, range);
  const auto x = detail::in_at_least_single(w);
  const auto size = x.abs();
  const auto mean = size.mean();
  detail::require_finite(name, "weights", layer, mean);
  const auto large = threshold == twn_threshold::optimal ? detail::optimal_ternary_mask(size)
                                                         : size.gt(mean * factor);
  const auto codes = x.sign().mul_(large);
  const auto count = codes.abs().sum();
  const auto none = count.eq(0);
  return {.levels = codes,
          .scale = (x * codes).sum().div_(count.masked_fill(none, 1)).masked_fill_(none, 1),
          .is_integer = true,
          .range = range,
          .gradient_proxy = detail::gradient_proxy_through(w)};
}

}  // namespace rolewise
