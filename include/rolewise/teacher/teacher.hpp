// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `Teacher` concept: the network that the student imitates.
///
/// data -> agent -> [teacher]/student -> loss -> train -> report

#include <rolewise/core/batch.hpp>
#include <rolewise/core/outputs.hpp>

#include <concepts>

namespace rolewise {

namespace teacher_must {

template<typename T>
concept predict_a_batch_without_being_changed =
    requires(const T teacher, const batch examples, const taps wanted) {
      { teacher.forward(examples, wanted) } -> std::same_as<outputs>;
    };

}  // namespace teacher_must

/// A network whose outputs the student imitates; evaluating it does not change it.
///
/// A constant `taps offered_taps` says which features `forward` returns if they are wanted; none
/// without one. `feature_shapes tap_shapes(taps) const`, where there is one, gives their shapes.
///
/// Guaranteed beyond the syntax (`tests/laws/teacher.hpp`): the same outputs for the same view, and
/// no graph to weights. If the inputs require a gradient and gradients are enabled, the outputs
/// have a graph to them, or `forward` throws; otherwise they have none.
template<typename T>
concept Teacher = std::copyable<T> && teacher_must::predict_a_batch_without_being_changed<T>;

/// A teacher that never changes: it declares `has_state = false`. Teachers that are cached or
/// shared by several steps must be frozen.
template<typename T>
concept FrozenTeacher = Teacher<T> && requires { requires T::has_state == false; };

}  // namespace rolewise
