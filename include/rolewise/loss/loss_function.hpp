// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `LossFunction` concept: a training loss computed from outputs and targets.
///
/// data -> agent -> teacher/student -> [loss] -> train -> report

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/loss/invariances.hpp>
#include <rolewise/loss/targets.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>

namespace rolewise {

/// The requirements of LossFunction, named so that compiler errors read as sentences.
namespace loss_must {

template<typename L>
concept turn_outputs_and_targets_into_one_tensor =
    requires(const L loss, const paired_outputs pair, const targets targets) {
      { loss(pair, targets) } -> std::same_as<torch::Tensor>;
    };

template<typename L>
concept turn_outputs_alone_into_one_tensor = requires(const L loss, const paired_outputs pair) {
  { loss(pair) } -> std::same_as<torch::Tensor>;
};

template<typename L>
concept turn_outputs_into_one_tensor =
    turn_outputs_and_targets_into_one_tensor<L> || turn_outputs_alone_into_one_tensor<L>;

template<typename L>
concept carry_a_name_for_the_report = requires {
  { L::name } -> std::convertible_to<std::string_view>;
};

}  // namespace loss_must

/// A loss to minimize: `loss(pair, targets)`, or `loss(pair)` if it needs no targets, gives a
/// tensor `[]`.
///
/// Optional declarations, each a `static constexpr taps`:
///   - `teacher_taps`, `student_taps`: the features that it reads of each; none if not declared. A
///     network that does not offer one of them is refused at compile time.
///
/// Optional declarations, each a `static constexpr bool`:
///   - `reads_teacher`: whether it reads `pair.teacher`; true if not declared. `supervised` takes
///     only losses that declare false.
///   - `reaches_teacher`: whether gradients may flow into the teacher's outputs; false if not
///     declared.
///   - `wants_class_labels`: whether hard labels must be class indices, 0 .. C - 1, so that `fit`
///     checks all of them before it starts; false if not declared.
///   - `minimum_at_teacher`: whether no outputs of the student have a lower loss than those of the
///     teacher; for the laws, true if not declared.
///
/// Optional declaration `static constexpr rolewise::invariances invariances`: changes of the inputs
/// that leave the value the same; for the laws, none if not declared.
///
/// Optional members, for losses with state:
///   - `configure(const feature_shapes& teacher, const feature_shapes& student)`: makes what
///     depends on the shapes of the tapped features, such as adapters, before the optimizer
///     starts. Called again with the same shapes, it changes nothing.
///   - `after_step(const paired_outputs&, const targets&)`: called after each update with the
///     outputs, detached, for memories that move on; the only call that may change the loss.
///   - `evaluate_terms(pair, targets)`: see `evaluate_loss_terms`.
///
/// Guaranteed beyond the syntax (`tests/laws/loss_function.hpp`,
/// `tests/laws/distillation_loss.hpp`): the result is differentiable with respect to the student's
/// outputs; other features than those declared are never read; a copy is deep.
template<typename L>
concept LossFunction = std::copyable<L> && loss_must::turn_outputs_into_one_tensor<L> &&
                       loss_must::carry_a_name_for_the_report<L>;

/// The features of the teacher that a loss reads: its constant `teacher_taps`; none without one.
template<typename L>
[[nodiscard]] consteval taps teacher_taps()
{
  if constexpr (requires { std::bool_constant<L::teacher_taps.empty()>{}; })
    return L::teacher_taps;
  else
    return {};
}

/// The features of the student that a loss reads: its constant `student_taps`; none without one.
template<typename L>
[[nodiscard]] consteval taps student_taps()
{
  if constexpr (requires { std::bool_constant<L::student_taps.empty()>{}; })
    return L::student_taps;
  else
    return {};
}

/// Whether a loss reads the teacher's outputs. True unless the type declares
/// `static constexpr bool reads_teacher = false`.
template<typename L>
[[nodiscard]] consteval bool reads_teacher()
{
  if constexpr (requires { typename std::bool_constant<L::reads_teacher>; })
    return L::reads_teacher;
  else
    return true;
}

/// Whether gradients may flow into the teacher's outputs. False unless the type declares
/// `static constexpr bool reaches_teacher = true`.
template<typename L>
[[nodiscard]] consteval bool reaches_teacher()
{
  if constexpr (requires { typename std::bool_constant<L::reaches_teacher>; })
    return L::reaches_teacher;
  else
    return false;
}

/// Whether hard labels must be class indices, 0 .. C - 1. False unless the type declares
/// `static constexpr bool wants_class_labels = true`.
template<typename L>
[[nodiscard]] consteval bool wants_class_labels()
{
  if constexpr (requires { typename std::bool_constant<L::wants_class_labels>; })
    return L::wants_class_labels;
  else
    return false;
}

/// Whether no outputs of the student have a lower loss than those of the teacher. True unless the
/// type declares `static constexpr bool minimum_at_teacher = false` or reads no teacher.
template<typename L>
[[nodiscard]] consteval bool minimum_at_teacher()
{
  if constexpr (requires { typename std::bool_constant<L::minimum_at_teacher>; })
    return L::minimum_at_teacher;
  else
    return reads_teacher<L>();
}

/// The invariances of a loss: its constant `invariances`; none without one.
template<typename L>
[[nodiscard]] consteval invariances invariances_of()
{
  if constexpr (requires { typename std::bool_constant<L::invariances.example_order>; })
    return L::invariances;
  else
    return {};
}

/// A loss that needs no teacher: it declares `reads_teacher = false`.
template<typename L>
concept SupervisedLoss = LossFunction<L> && !reads_teacher<L>();

/// Evaluates a loss, whether or not it takes targets.
template<LossFunction L>
[[nodiscard]] torch::Tensor evaluate_loss(const L& loss, const paired_outputs& pair,
                                          const targets& targets)
{
  if constexpr (loss_must::turn_outputs_and_targets_into_one_tensor<L>)
    return loss(pair, targets);
  else
    return loss(pair);
}

/// Calls `configure` of a loss that has one.
template<typename L>
void configure_loss(L& loss, const feature_shapes& teacher, const feature_shapes& student)
{
  if constexpr (requires { loss.configure(teacher, student); }) loss.configure(teacher, student);
}

/// Whether a loss has to be configured.
template<typename L>
[[nodiscard]] consteval bool wants_configuration()
{
  return requires(L loss, const feature_shapes shapes) { loss.configure(shapes, shapes); };
}

/// Whether a loss has an `after_step`.
template<typename L>
[[nodiscard]] consteval bool moves_after_step()
{
  return requires(L loss, const paired_outputs pair, const targets targets) {
    loss.after_step(pair, targets);
  };
}

/// Calls `after_step` of a loss that has one.
template<typename L>
void loss_after_step(L& loss, const paired_outputs& pair, const targets& targets)
{
  if constexpr (moves_after_step<L>()) loss.after_step(pair, targets);
}

}  // namespace rolewise
