// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `GradientCombination` concept: combines the gradients of task and distillation losses.
///
/// data -> agent -> teacher/student -> [loss] -> train -> report

#include <rolewise/core/state.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/loss/loss_function.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>

namespace rolewise {

namespace combination_must {

template<typename G>
concept have_a_task_that_scores = requires(const G combination) {
  requires LossFunction<std::remove_cvref_t<decltype(combination.task)>>;
};

template<typename G>
concept have_a_distillation_that_scores = requires(const G combination) {
  requires LossFunction<std::remove_cvref_t<decltype(combination.distillation)>>;
};

template<typename G>
concept combine_two_gradients_into_one =
    requires(const G combination, const torch::Tensor gradient, const training_progress progress) {
      { combination.combine(gradient, gradient, progress) } -> std::same_as<torch::Tensor>;
    };

template<typename G>
concept carry_a_name_for_the_report = loss_must::carry_a_name_for_the_report<G>;

}  // namespace combination_must

/// Two losses that a training step differentiates one after the other, and a rule that combines
/// their gradients, for each parameter tensor separately.
///
/// Not a `LossFunction`: no sum of the two losses has the combined gradient, so a step for one
/// loss must not accept it.
///
/// Guaranteed beyond the syntax (`tests/laws/gradient_combination.hpp`): `combine` writes into
/// neither gradient and does not synchronize with the device; an undefined gradient counts as
/// zero, and a zero gradient yields no non-finite value; the same arguments give the same result.
template<typename G>
concept GradientCombination = std::copyable<G> && combination_must::have_a_task_that_scores<G> &&
                              combination_must::have_a_distillation_that_scores<G> &&
                              combination_must::combine_two_gradients_into_one<G> &&
                              combination_must::carry_a_name_for_the_report<G>;

/// The features of the teacher that one loss, or the two of a combination, read.
template<typename L>
[[nodiscard]] consteval taps step_teacher_taps()
{
  if constexpr (GradientCombination<L>)
    return teacher_taps<decltype(L::task)>() | teacher_taps<decltype(L::distillation)>();
  else
    return teacher_taps<L>();
}

/// The features of the student that one loss, or the two of a combination, read.
template<typename L>
[[nodiscard]] consteval taps step_student_taps()
{
  if constexpr (GradientCombination<L>)
    return student_taps<decltype(L::task)>() | student_taps<decltype(L::distillation)>();
  else
    return student_taps<L>();
}

/// Calls `f` with one loss, or with each of the two of a combination.
template<typename L, typename F>
void for_each_loss(L& loss, F&& f)
{
  if constexpr (GradientCombination<std::remove_const_t<L>>) {
    f(loss.task);
    f(loss.distillation);
  } else {
    f(loss);
  }
}

}  // namespace rolewise
