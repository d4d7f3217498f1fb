// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Fixed bit-width schemes: full precision, uniform, first and last layer exempt, by layer kind.

#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/support/inline.hpp>

#include <optional>
#include <vector>

namespace rolewise {

/// Full precision: 32 bits everywhere.
struct full_precision {
  [[nodiscard]] layer_bits operator()(const layer_id&) const { return {}; }
};

/// The same bit widths for every layer, including the first and the last. The input of the
/// network still stays floating point, because it is not rectified.
struct all_alike {
  bit_width weights{2};
  bit_width activations{2};

  [[nodiscard]] layer_bits operator()(const layer_id&) const { return {weights, activations}; }
};

/// Low bit widths inside, 32 bits in the first and the last layer: the usual scheme. Shortcut
/// projections count as inside, unless they are set apart. These are the defaults of DoReFa's and
/// Role-KD's code; other papers keep the ends at 8 bits (LSQ, APoT: weights alone) or shortcuts
/// in full precision:
///
///     full_precision_ends{.weights = bit_width{4}, .activations = bit_width{4},
///                      .first = {bit_width{8}, bit_width{32}},
///                      .last = {bit_width{8}, bit_width{8}}, .shortcut = layer_bits{}}
///
/// The activations of the first layer are the network's input, which stays floating point.
struct full_precision_ends {
  bit_width weights{2};
  bit_width activations{2};
  layer_bits first{};
  layer_bits last{};
  std::optional<layer_bits> shortcut{};  ///< none: like the other layers inside

  [[nodiscard]] layer_bits operator()(const layer_id& place) const;
};

/// Bit widths by layer kind; kinds without an entry follow another scheme.
///
///     per_kind{.shortcut = layer_bits{bit_width{8}, bit_width{8}}, .otherwise = inner_bits<2>}
template<typename Otherwise = full_precision>
struct per_kind {
  static_assert(BitWidthScheme<Otherwise>, "per_kind wants a BitWidthScheme for the other kinds");

  std::optional<layer_bits> convolution{};
  std::optional<layer_bits> shortcut{};
  std::optional<layer_bits> linear{};
  Otherwise otherwise{};

  [[nodiscard]] layer_bits operator()(const layer_id& place) const
  {
    const auto& given = place.kind == layer_kind::convolution ? convolution
                        : place.kind == layer_kind::shortcut  ? shortcut
                                                              : linear;
    return given ? *given : otherwise(place);
  }

  void check(const std::vector<layer_id>& places) const { check_scheme(otherwise, places); }
};

namespace detail {

template<int Weights, int Activations>
[[nodiscard]] consteval full_precision_ends checked_bits_inside()
{
  static_assert(Weights >= 1 && Weights <= 32 && Activations >= 1 && Activations <= 32,
                "inner_bits wants 1 to 32 bits; 32 is full precision");
  return {bit_width{Weights}, bit_width{Activations}};
}

}  // namespace detail

/// `full_precision_ends` with constant widths: `inner_bits<2>`, `inner_bits<1, 4>`.
template<int Weights, int Activations = Weights>
inline constexpr full_precision_ends inner_bits =
    detail::checked_bits_inside<Weights, Activations>();

static_assert(BitWidthScheme<full_precision>);
static_assert(BitWidthScheme<all_alike>);
static_assert(BitWidthScheme<full_precision_ends>);
static_assert(BitWidthScheme<per_kind<>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/schemes.hpp>
#endif
