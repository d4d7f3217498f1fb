// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `Optimiser` concept: turns gradients into parameter updates.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>

#include <concepts>
#include <vector>

namespace rolewise {

/// Which parameters weight decay applies to; never ranges of quantizers, as they are no weights.
enum class decay {
  everything,    ///< every parameter except ranges
  weights_only,  ///< tensors of two dimensions or more: neither biases nor the scales of batch norm
};

namespace optimiser_must {

/// The optimizer state of one run: `update(parameters, gradients, rate)` updates the parameters
/// that it was started for. Gradients come in the same order; an undefined one leaves its
/// parameter as it is. A parameter that is listed twice is updated once, by the first of its
/// gradients that is defined.
template<typename S>
concept have_states_that_update =
    requires(S state, const std::vector<named_tensor> parameters,
             const std::vector<torch::Tensor> gradients, const double rate) {
      { state.update(parameters, gradients, rate) } -> std::same_as<void>;
    };

template<typename S>
concept have_states_that_can_be_copied = std::copyable<S>;

template<typename S>
concept have_states_that_show_their_state = state_must::be_shown<S>;

template<typename O>
concept start_a_state_for_parameters =
    requires(const O optimiser, const std::vector<named_tensor> parameters) {
      { optimiser.start(parameters) } -> have_states_that_update;
      { optimiser.start(parameters) } -> have_states_that_can_be_copied;
      { optimiser.start(parameters) } -> have_states_that_show_their_state;
    };

template<typename O>
concept say_their_learning_rate = requires(const O optimiser) {
  { optimiser.rate } -> std::convertible_to<double>;
};

}  // namespace optimiser_must

/// An optimizer: a configuration whose `start(parameters)` returns the state of one run.
///
/// `rate` is the learning rate before any schedule; `update` receives the product of the two. A
/// copy of a state is deep: two copies never share a buffer.
template<typename O>
concept Optimiser = std::copyable<O> && optimiser_must::start_a_state_for_parameters<O> &&
                    optimiser_must::say_their_learning_rate<O>;

}  // namespace rolewise
