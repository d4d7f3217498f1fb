// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The bit widths of all layers as a search space.

#include <rolewise/quant/layer_report.hpp>
#include <rolewise/quant/per_layer.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::search {

/// A search space with one dimension per layer, `bits.<layer>`: integers if the widths are
/// consecutive, else names (`2`, `4`, `8`). Weights and activations of a layer get the same width.
///
///     const bit_space bits{layers_inside(network.layers()), {2, 4, 8}};
///     run_search(random_search{}, bits.space(), [&](const configuration& p, std::int64_t, seed
///     own) {
///       return supervised{.student = resnet8(shape, dorefa{}, bits.scheme(p), {.seed = own})};
///     }, ...);
class bit_space {
 public:
  /// @param widths ascending
  /// @throws std::invalid_argument without a layer or a width, for widths outside 1 .. 32 or not
  ///         ascending
  bit_space(std::vector<std::string> layers, std::vector<int> widths);

  /// The dimensions, to be searched alone or combined with others.
  [[nodiscard]] std::vector<dimension> dimensions() const;
  /// @throws std::invalid_argument if two layers have one name
  [[nodiscard]] search_space space() const { return search_space{dimensions()}; }

  /// The bit width scheme at a configuration; values of other dimensions are ignored.
  /// @throws std::invalid_argument if the configuration lacks the bits of a layer, or has others
  ///         than the widths
  template<BitWidthScheme Otherwise = full_precision>
  [[nodiscard]] per_layer<Otherwise> scheme(const configuration& at,
                                            const Otherwise& otherwise = {}) const
  {
    per_layer<Otherwise> found{{}, otherwise};
    for (const auto& layer : layers_) {
      const bit_width bits{width_at(at, "bits." + layer)};
      found.layers.push_back({layer, {bits, bits}});
    }
    return found;
  }

  /// The configuration of a scheme: the bit widths of the weights.
  /// @throws std::invalid_argument if a layer is not listed, or its width is not in the space
  template<typename Otherwise>
  [[nodiscard]] configuration configuration_of(const per_layer<Otherwise>& scheme) const
  {
    configuration found;
    for (const auto& layer : layers_) {
      const auto listed = std::ranges::find(scheme.layers, layer, &named_bits::layer);
      if (listed == scheme.layers.end())
        throw_invalid_argument("bit_space", "the scheme does not list layer ", layer);
      const int bits = listed->widths.weights.value();
      require_known(bits, layer);
      if (is_interval())
        found.set("bits." + layer, std::int64_t{bits});
      else
        found.set("bits." + layer, std::to_string(bits));
    }
    return found;
  }

 private:
  [[nodiscard]] bool is_interval() const
  {
    return widths_.back() - widths_.front() + 1 == static_cast<int>(widths_.size());
  }

  [[nodiscard]] decltype(dimension::range) range() const;

  [[nodiscard]] int width_at(const configuration& at, const std::string& name) const;

  void require_known(int bits, const std::string& layer) const;

  std::vector<std::string> layers_;
  std::vector<int> widths_;
};

/// Names of all layers but the first and the last.
[[nodiscard]] ROLEWISE_INLINE std::vector<std::string> layers_inside(
    const std::vector<layer_report>& layers);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/bit_space.hpp>
#endif
