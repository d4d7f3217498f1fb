// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `Optimizer` concept: turns gradients into parameter updates.
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

namespace optimizer_must {

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
    requires(const O optimizer, const std::vector<named_tensor> parameters) {
      { optimizer.start(parameters) } -> have_states_that_update;
      { optimizer.start(parameters) } -> have_states_that_can_be_copied;
      { optimizer.start(parameters) } -> have_states_that_show_their_state;
    };

template<typename O>
concept say_their_learning_rate = requires(const O optimizer) {
  { optimizer.learning_rate } -> std::convertible_to<double>;
};

}  // namespace optimizer_must

/// An optimizer: a configuration whose `start(parameters)` returns the state of one run.
///
/// `learning_rate` is the learning rate before any schedule; `update` receives the product of the
/// two. A copy of a state is deep: two copies never share a buffer.
template<typename O>
concept Optimizer = std::copyable<O> && optimizer_must::start_a_state_for_parameters<O> &&
                    optimizer_must::say_their_learning_rate<O>;

}  // namespace rolewise
