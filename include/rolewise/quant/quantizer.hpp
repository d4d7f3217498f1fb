// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `Quantizer` concepts: quantization of weights and activations to low bit widths.
///
/// core -> [quant] -> network -> teacher/student

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/quantized.hpp>

#include <concepts>
#include <string_view>
#include <utility>

namespace rolewise {

namespace quantizer_must {

/// The state of one layer: `state(tensor, bits)`, const, quantizes. `observe(tensor, bits)` is
/// optional and is called before it, in training and calibration only.
template<typename S>
concept have_states_that_quantize = requires(const S state, const torch::Tensor x, bit_width bits) {
  { state(x, bits) } -> std::same_as<quantized>;
};

template<typename S>
concept have_states_that_show_their_state = Stateful<S>;

template<typename Q>
concept start_a_state_for_weights = requires(const Q q, const layer_id place) {
  { q.start_weights(place) } -> have_states_that_quantize;
  { q.start_weights(place) } -> have_states_that_show_their_state;
};

template<typename Q>
concept start_a_state_for_activations = requires(const Q q, const layer_id place) {
  { q.start_activations(place) } -> have_states_that_quantize;
  { q.start_activations(place) } -> have_states_that_show_their_state;
};

template<typename Q>
concept carry_a_name_for_the_report = requires {
  { Q::name } -> std::convertible_to<std::string_view>;
};

}  // namespace quantizer_must

/// A configuration that creates the weight-quantization state of each layer.
///
/// Semantic requirements (`tests/laws/quantizer.hpp`): at most 2^b values per scale group; the
/// same input gives the same result; the input is not modified; the gradient exists and is
/// finite; 32 bits are the identity.
template<typename Q>
concept WeightQuantizer = std::copyable<Q> && quantizer_must::start_a_state_for_weights<Q> &&
                          quantizer_must::carry_a_name_for_the_report<Q>;

/// A configuration that creates the state that quantizes the activations entering each layer. It
/// takes the place of a ReLU, so 32 bits are ReLU (the identity on a rectified input).
template<typename Q>
concept ActivationQuantizer =
    std::copyable<Q> && quantizer_must::start_a_state_for_activations<Q> &&
    quantizer_must::carry_a_name_for_the_report<Q>;

/// A quantizer of both weights and activations.
template<typename Q>
concept Quantizer = WeightQuantizer<Q> && ActivationQuantizer<Q>;

/// Whether a quantizer declares `static constexpr bool changes_nothing = true`. Layers omit it at
/// compile time, so it costs nothing.
template<typename Q>
[[nodiscard]] consteval bool changes_nothing()
{
  if constexpr (requires { Q::changes_nothing; })
    return Q::changes_nothing;
  else
    return false;
}

/// Whether batch norm may be folded into the weights before they are quantized
/// (`network_options`): the weight state declares `static constexpr bool takes_folded_weights =
/// true`. Its values must scale with the weights, whatever the magnitude of each filter.
template<typename Q>
[[nodiscard]] consteval bool takes_folded_weights()
{
  using state = decltype(std::declval<const Q&>().start_weights(layer_id{}));
  if constexpr (changes_nothing<Q>())
    return true;
  else if constexpr (requires { state::takes_folded_weights; })
    return state::takes_folded_weights;
  else
    return false;
}

/// Whether an activation quantizer includes the ReLU: it declares `static constexpr bool
/// rectifies = true` and gives for x what it gives for max(x, 0), at every bit width. Layers then
/// skip the ReLU before it.
template<typename Q>
[[nodiscard]] consteval bool rectifies()
{
  if constexpr (requires { Q::rectifies; })
    return Q::rectifies;
  else
    return false;
}

/// Whether an activation quantizer quantizes negative values as well as positive ones: its state
/// declares `static constexpr bool quantizes_signs = true`, or that it wants signed inputs. Others
/// clip them to 0, so layers that read signed values leave these in floating point, or quantize
/// magnitudes (`activation::of_signed`).
template<typename Q>
[[nodiscard]] consteval bool quantizes_signs()
{
  using state = decltype(std::declval<const Q&>().start_activations(layer_id{}));
  if constexpr (requires { state::quantizes_signs; })
    return state::quantizes_signs;
  else
    return requires { requires state::wants_signed_input; };
}

}  // namespace rolewise
