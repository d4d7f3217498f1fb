// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What counts as a way to put task and distillation together by their gradients.
///
/// data -> agent -> teacher/student -> [loss] -> train -> report

#include <rolewise/core/moment.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/loss/objective.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>

namespace rolewise {

namespace combination_must {

template<typename G>
concept have_a_task_that_scores = requires(const G combination) {
  requires Scored<std::remove_cvref_t<decltype(combination.task)>>;
};

template<typename G>
concept have_a_distillation_that_scores = requires(const G combination) {
  requires Scored<std::remove_cvref_t<decltype(combination.distillation)>>;
};

template<typename G>
concept combine_two_gradients_into_one =
    requires(const G combination, const torch::Tensor gradient, const moment now) {
      { combination.combine(gradient, gradient, now) } -> std::same_as<torch::Tensor>;
    };

template<typename G>
concept say_whether_they_want_features = loss_must::say_whether_they_want_features<G>;

template<typename G>
concept carry_a_name_for_the_report = loss_must::carry_a_name_for_the_report<G>;

}  // namespace combination_must

/// Two scores that a training step differentiates one after the other, and a rule that makes one
/// gradient of two, for each tensor of parameters by itself.
///
/// It is no `Objective`: no sum of the two has the combined gradient, so a step that knows only
/// objectives must not take it for one.
///
/// Promised beyond the syntax (`tests/laws/gradient_combination.hpp`): `combine` writes into
/// neither gradient and reads nothing back from the device; an undefined gradient counts as zero,
/// and a gradient of zeros makes nothing that is not finite; the same arguments give the same
/// result.
template<typename G>
concept GradientCombination = std::copyable<G> && combination_must::have_a_task_that_scores<G> &&
                              combination_must::have_a_distillation_that_scores<G> &&
                              combination_must::combine_two_gradients_into_one<G> &&
                              combination_must::say_whether_they_want_features<G> &&
                              combination_must::carry_a_name_for_the_report<G>;

}  // namespace rolewise
