// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `per_layer`: bit widths by layer name.

#include <rolewise/quant/changing_scheme.hpp>
#include <rolewise/quant/schemes.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/nearest_names.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace rolewise {

/// A layer's full name, such as `stage2.0.convolution1`, and its bit widths.
struct named_bits {
  std::string layer;
  layer_bits widths;

  friend bool operator==(const named_bits&, const named_bits&) = default;
};

/// A bit-width scheme: the listed widths for listed layers, another scheme for the others.
///
///     per_layer{.layers = {{"stage1.0.convolution1", {bit_width{4}, bit_width{4}}}},
///               .otherwise = inner_bits<2>}
template<typename Otherwise = full_precision>
struct per_layer {
  static_assert(BitWidthScheme<Otherwise>, "per_layer wants a BitWidthScheme for the other layers");

  std::vector<named_bits> layers;
  Otherwise otherwise{};

  [[nodiscard]] layer_bits operator()(const layer_id& place) const
  {
    const auto found = std::ranges::find(layers, place.name, &named_bits::layer);
    return found == layers.end() ? otherwise(place) : found->widths;
  }

  /// The scheme of an epoch, where the scheme of the other layers changes over epochs.
  [[nodiscard]] auto at(std::int64_t epoch) const
    requires ChangingScheme<Otherwise>
  {
    return per_layer<decltype(otherwise.at(epoch))>{layers, otherwise.at(epoch)};
  }

  /// Called by every network before it is built.
  /// @throws std::invalid_argument if a layer is listed twice or is not among `places`; the
  ///         message gives the nearest names
  void check(const std::vector<layer_id>& places) const
  {
    for (auto listed = layers.begin(); listed != layers.end(); ++listed) {
      if (std::ranges::find(layers.begin(), listed, listed->layer, &named_bits::layer) != listed)
        throw_invalid_argument("per_layer", "layer ", listed->layer, " is listed twice");
      if (std::ranges::find(places, listed->layer, &layer_id::name) != places.end()) continue;
      std::vector<std::string> known;
      for (const auto& place : places) known.push_back(place.name);
      throw_invalid_argument("per_layer", "the network has no layer ", listed->layer,
                             "; the nearest of its ", known.size(), " are ",
                             support::nearest_names(listed->layer, known));
    }
    check_scheme(otherwise, places);
  }
};

static_assert(BitWidthScheme<per_layer<>>);

}  // namespace rolewise
