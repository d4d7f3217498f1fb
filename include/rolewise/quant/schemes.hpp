// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Bit-width schemes that need no search: full, all alike, both ends exempt.

#include <rolewise/quant/bit_width_scheme.hpp>

namespace rolewise {

/// 32 bits everywhere.
struct full_precision {
  [[nodiscard]] layer_widths operator()(const layer_place&) const { return {}; }
};

/// The same widths for every layer, both ends included. A network's input stays floating point
/// all the same: it is not rectified.
struct all_alike {
  bit_width weights{2};
  bit_width activations{2};

  [[nodiscard]] layer_widths operator()(const layer_place&) const { return {weights, activations}; }
};

/// Few bits inside, 32 in the first and in the last layer: the usual scheme. Shortcut projections
/// are inside.
struct both_ends_exempt {
  bit_width weights{2};
  bit_width activations{2};

  [[nodiscard]] layer_widths operator()(const layer_place& place) const
  {
    if (place.is_first() || place.is_last()) return {};
    return {weights, activations};
  }
};

namespace detail {

template<int Weights, int Activations>
[[nodiscard]] consteval both_ends_exempt checked_bits_inside()
{
  static_assert(Weights >= 1 && Weights <= 32 && Activations >= 1 && Activations <= 32,
                "bits_inside wants 1 to 32 bits; 32 is full precision");
  return {bit_width{Weights}, bit_width{Activations}};
}

}  // namespace detail

/// `both_ends_exempt` with widths that are constants: `bits_inside<2>`, `bits_inside<1, 4>`.
template<int Weights, int Activations = Weights>
inline constexpr both_ends_exempt bits_inside = detail::checked_bits_inside<Weights, Activations>();

static_assert(BitWidthScheme<full_precision>);
static_assert(BitWidthScheme<all_alike>);
static_assert(BitWidthScheme<both_ends_exempt>);

}  // namespace rolewise
