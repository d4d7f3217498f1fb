// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `layer_plan`: place and bit widths of each layer, before the layers are constructed.

#include <rolewise/quant/no_quantizer.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/quant/schemes.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace rolewise {

/// The default bit-width scheme: full precision without a quantizer, otherwise both ends exempt
/// and 2 bits inside.
template<typename Q>
using default_scheme =
    std::conditional_t<changes_nothing<Q>(), full_precision, full_precision_ends>;

namespace detail {

/// Static assertions for functions that make networks: for a constrained template, clang does not
/// report which clause fails.
template<typename Q, typename Scheme>
consteval void must_make_a_network()
{
  static_assert(Quantizer<Q>, "a network wants a Quantizer, such as dorefa{}");
  static_assert(BitWidthScheme<Scheme>, "a network wants a BitWidthScheme, such as inner_bits<2>");
}

}  // namespace detail

/// A layer with weights and its bit widths.
struct planned_layer {
  layer_id place;
  layer_bits widths;
};

/// The bit widths of a layer under a scheme.
///
/// The first layer's activations are the network's input: normalized images, neither rectified
/// nor in [0, 1]. They stay floating point and count as 32 bits, whatever the scheme returns, and
/// so do those of a layer whose input is `layer_input::floating`.
template<BitWidthScheme Scheme>
[[nodiscard]] layer_bits widths_under(const Scheme& scheme, const layer_id& place)
{
  layer_bits widths = scheme(place);
  if (place.reads_floats()) widths.activations = bit_width{32};
  return widths;
}

namespace detail {

/// @throws std::invalid_argument if a width is below 32 bits and the quantizer changes nothing
template<typename Q>
void require_able(const planned_layer& layer)
{
  if constexpr (rolewise::changes_nothing<Q>())
    if (const auto& widths = layer.widths; widths != layer_bits{})
      throw_invalid_argument(Q::name, "layer ", layer.place.name, " is to have ",
                             widths.weights.value(), "-bit weights and ",
                             widths.activations.value(),
                             "-bit activations, but this quantizer changes nothing");
}

}  // namespace detail

/// The layers with weights of one network and their widths, in the order of the forward pass.
/// Signed inputs become `layer_input::floating` unless the quantizer keeps signs
/// (`quantizes_signs`).
class layer_plan {
 public:
  /// No plan: every layer is in full precision, and has a name and a kind alone. For a network that
  /// is constructed to list its layers.
  layer_plan() = default;

  /// @throws std::invalid_argument without places, if two have one name, if the scheme names
  ///         layers that do not exist, or sets fewer than 32 bits for a quantizer that changes
  ///         nothing
  template<Quantizer Q, BitWidthScheme Scheme>
  layer_plan(const Q&, const Scheme& scheme, std::vector<layer_id> places)
  {
    if (places.empty())
      throw_invalid_argument("layer_plan", "the network lists no layer with weights");
    check_scheme(scheme, places);
    std::set<std::string_view> names;
    for (const auto& place : places)
      if (!names.insert(place.name).second)
        throw_invalid_argument("layer_plan", "two layers have the name ", place.name);
    for (auto& place : places) {
      if (place.input == layer_input::has_signs && !quantizes_signs<Q>())
        place.input = layer_input::floating;
      detail::require_able<Q>(
          layers_.emplace_back(planned_layer{place, widths_under(scheme, place)}));
    }
  }

  [[nodiscard]] bool only_lists() const { return layers_.empty(); }

  /// @param input of a layer that is only listed; otherwise that of the plan holds
  [[nodiscard]] planned_layer at(std::string_view layer, layer_kind kind,
                                 layer_input input = layer_input::rectified) const;

 private:
  std::vector<planned_layer> layers_;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/layer_plan.hpp>
#endif
