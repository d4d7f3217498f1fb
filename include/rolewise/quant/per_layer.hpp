// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Bit widths layer by layer, by name.

#include <rolewise/core/error.hpp>
#include <rolewise/quant/schemes.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace rolewise {

/// A layer's full name, such as `stage2.0.convolution1`, and its widths.
struct named_widths {
  std::string layer;
  layer_widths widths;
};

/// The widths listed for the layers listed, another scheme for the others.
///
///     per_layer{.layers = {{"stage1.0.convolution1", {bit_width{4}, bit_width{4}}}},
///               .otherwise = bits_inside<2>}
template<typename Otherwise = full_precision>
struct per_layer {
  static_assert(BitWidthScheme<Otherwise>, "per_layer wants a BitWidthScheme for the other layers");

  std::vector<named_widths> layers;
  Otherwise otherwise{};

  [[nodiscard]] layer_widths operator()(const layer_place& place) const
  {
    const auto found = std::ranges::find(layers, place.name, &named_widths::layer);
    return found == layers.end() ? otherwise(place) : found->widths;
  }

  /// Called by every network before it is built.
  /// @throws std::invalid_argument if a listed layer is listed twice or is not among `places`
  void check(const std::vector<layer_place>& places) const
  {
    for (auto listed = layers.begin(); listed != layers.end(); ++listed) {
      if (std::ranges::find(layers.begin(), listed, listed->layer, &named_widths::layer) != listed)
        refuse("per_layer", "layer ", listed->layer, " is listed twice");
      if (std::ranges::find(places, listed->layer, &layer_place::name) != places.end()) continue;
      std::string known;
      for (const auto& place : places) known.append(known.empty() ? "" : ", ").append(place.name);
      refuse("per_layer", "the network has no layer ", listed->layer, "; it has ", known);
    }
    check_scheme(otherwise, places);
  }
};

static_assert(BitWidthScheme<per_layer<>>);

}  // namespace rolewise
