// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What makes numbers of few bits out of numbers of many.
///
/// core -> [quant] -> network -> teacher/student

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/quantised.hpp>

#include <concepts>
#include <string_view>
#include <utility>

namespace rolewise {

namespace quantizer_must {

/// The state of one layer: called with a tensor and a width, const; `observe(tensor, width)` is
/// optional and called before it, in training alone.
template<typename S>
concept have_states_that_quantise = requires(const S state, const torch::Tensor x, bit_width bits) {
  { state(x, bits) } -> std::same_as<quantised>;
};

template<typename S>
concept have_states_that_show_their_state = Stateful<S>;

template<typename Q>
concept start_a_state_for_weights = requires(const Q q, const layer_place place) {
  { q.start_weights(place) } -> have_states_that_quantise;
  { q.start_weights(place) } -> have_states_that_show_their_state;
};

template<typename Q>
concept start_a_state_for_activations = requires(const Q q, const layer_place place) {
  { q.start_activations(place) } -> have_states_that_quantise;
  { q.start_activations(place) } -> have_states_that_show_their_state;
};

template<typename Q>
concept carry_a_name_for_the_report = requires {
  { Q::name } -> std::convertible_to<std::string_view>;
};

}  // namespace quantizer_must

/// Configuration that starts a state for the weights of each layer.
///
/// Promised beyond the syntax (`tests/laws/quantizer.hpp`): at most 2^b values per scale group; the
/// same input gives the same result; the input is untouched; the gradient exists and is finite;
/// 32 bits are the identity.
template<typename Q>
concept WeightQuantizer = std::copyable<Q> && quantizer_must::start_a_state_for_weights<Q> &&
                          quantizer_must::carry_a_name_for_the_report<Q>;

/// Configuration that starts a state for the activations that enter each layer. It stands where a
/// network has a rectified input, so 32 bits are the rectifier (which repeats a rectified input).
template<typename Q>
concept ActivationQuantizer =
    std::copyable<Q> && quantizer_must::start_a_state_for_activations<Q> &&
    quantizer_must::carry_a_name_for_the_report<Q>;

/// Both in one.
template<typename Q>
concept Quantizer = WeightQuantizer<Q> && ActivationQuantizer<Q>;

/// A quantizer that says `static constexpr bool changes_nothing = true` costs nothing: layers leave
/// it out at compile time.
template<typename Q>
[[nodiscard]] consteval bool changes_nothing()
{
  if constexpr (requires { Q::changes_nothing; })
    return Q::changes_nothing;
  else
    return false;
}

/// Batch norm may be folded into what a quantizer makes few bits of (`network_options`) where its
/// state for weights says `static constexpr bool takes_folded_weights = true`: its values follow
/// those of the weights it is handed, whatever the size of each filter.
template<typename Q>
[[nodiscard]] consteval bool takes_folded_weights()
{
  using state = decltype(std::declval<const Q&>().start_weights(layer_place{}));
  if constexpr (changes_nothing<Q>())
    return true;
  else if constexpr (requires { state::takes_folded_weights; })
    return state::takes_folded_weights;
  else
    return false;
}

/// A quantizer that says `static constexpr bool rectifies = true` gives for x what it gives for
/// max(x, 0), at every width; layers then leave out the rectifier before it.
template<typename Q>
[[nodiscard]] consteval bool rectifies()
{
  if constexpr (requires { Q::rectifies; })
    return Q::rectifies;
  else
    return false;
}

}  // namespace rolewise
