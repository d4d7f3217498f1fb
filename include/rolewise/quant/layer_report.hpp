// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The cost of layers and networks: bytes, multiply-adds, bit operations.

#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/layer_arithmetic.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

/// The report of one layer with weights.
struct layer_report {
  layer_id place;
  layer_bits widths;
  std::int64_t weights = 0;  ///< number of weights that have `widths.weights` bits
  /// Uses of each weight in one example: output pixels of a convolution, 1 in a linear layer. None
  /// where they are unknown: before the first forward pass of a layer whose body doesn't tell them.
  std::optional<std::int64_t> positions{};
  /// The arithmetic of the last forward pass and, if not integer, the reason.
  layer_arithmetic arithmetic = layer_arithmetic::not_run;

  /// For one example.
  /// @throws std::invalid_argument if `positions` is unknown
  [[nodiscard]] constexpr std::int64_t multiply_adds() const
  {
    if (!positions) refuse_unknown_positions();
    return weights * *positions;
  }

 private:
  [[noreturn]] void refuse_unknown_positions() const;
};

/// The definition of bit operations used here, for reports: figures by different definitions are
/// not comparable.
inline constexpr std::string_view bit_operations_definition =
    "multiply-adds x bits of weights x bits of activations";

/// Bit operations: multiply-adds times the bit widths of both factors, for one example; floating
/// point counts as 32 bits. Accumulation is not counted.
///
/// @throws std::invalid_argument if the positions of the layer are unknown
/// @par Source
/// The definition that agrees with the published figures of HAWQ-V3: Yao et al.: HAWQ-V3: Dyadic
/// Neural Network Quantization, ICML 2021, arXiv:2011.10680; code Zhen-Dong/HAWQ.
[[nodiscard]] constexpr double bit_operations(const layer_report& layer)
{
  return static_cast<double>(layer.multiply_adds()) * layer.widths.weights.value() *
         layer.widths.activations.value();
}

/// Bytes of the weights at their bit width.
[[nodiscard]] constexpr double bytes(const layer_report& layer)
{
  return static_cast<double>(layer.weights) * layer.widths.weights.value() / 8.0;
}

/// The costs of a network, per layer and in total.
struct network_costs {
  std::vector<layer_report> layers;
  std::int64_t other_parameters = 0;  ///< learned, outside `layers`: 32 bits each

  [[nodiscard]] std::int64_t parameters() const;
  /// Whether multiply-adds and bit operations are known: the positions of every layer.
  [[nodiscard]] bool has_positions() const;
  /// @throws std::invalid_argument if the positions of a layer are unknown
  [[nodiscard]] std::int64_t multiply_adds() const
  {
    std::int64_t sum = 0;
    for (const auto& layer : layers) sum += layer.multiply_adds();
    return sum;
  }
  /// @throws std::invalid_argument if the positions of a layer are unknown
  [[nodiscard]] double bit_operations() const;
  /// Of the learned parameters; running statistics are not counted.
  [[nodiscard]] double bytes() const;
};

/// The costs of a network that reports its layers.
template<typename Network>
[[nodiscard]] network_costs costs_of(const Network& of)
{
  network_costs costs{.layers = of.layers(), .other_parameters = of.parameter_count()};
  for (const auto& layer : costs.layers) costs.other_parameters -= layer.weights;
  return costs;
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/layer_report.hpp>
#endif
