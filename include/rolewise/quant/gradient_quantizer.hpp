// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `GradientQuantizer` concept: quantizes gradients before the backward pass of a layer.
///
/// core -> [quant] -> network -> teacher/student

#include <rolewise/core/state.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>

#include <concepts>
#include <utility>

namespace rolewise {

namespace gradient_quantizer_must {

template<typename G>
using state_of = decltype(std::declval<const G&>().start_gradients(layer_id{}));

template<typename G>
concept start_a_state_that_passes_outputs_on =
    requires(const G quantizer, state_of<G> state, const torch::Tensor y) {
      { state(y) } -> std::same_as<torch::Tensor>;
    };

template<typename G>
concept have_states_that_show_their_state = Stateful<state_of<G>>;

}  // namespace gradient_quantizer_must

/// A configuration that creates the gradient-quantization state of each convolution.
///
/// In training only, the state is called with the output of the convolution and returns the same
/// values; the gradient of that output is changed before the convolution's backward pass. A
/// `Quantizer` may be a `GradientQuantizer`, too (`with_gradients`).
template<typename G>
concept GradientQuantizer =
    std::copyable<G> && gradient_quantizer_must::start_a_state_that_passes_outputs_on<G> &&
    gradient_quantizer_must::have_states_that_show_their_state<G>;

namespace detail {

struct no_gradient_state {};

/// The gradient-quantization state of a layer; empty if gradients are not quantized.
template<typename Q>
[[nodiscard]] auto gradient_state_of(const Q& q, const layer_id& place)
{
  if constexpr (GradientQuantizer<Q>)
    return q.start_gradients(place);
  else
    return no_gradient_state{};
}

}  // namespace detail

}  // namespace rolewise
