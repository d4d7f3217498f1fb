// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `Student` concept: a network that can be trained.
///
/// data -> agent -> teacher/[student] -> loss -> train -> report

#include <rolewise/core/batch.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/state.hpp>

#include <concepts>
#include <vector>

namespace rolewise {

namespace student_must {

template<typename S>
concept forward_a_batch_in_training = requires(S student, const batch examples, const taps wanted) {
  { student.forward(examples, wanted) } -> std::same_as<outputs>;
};

template<typename S>
concept predict_without_being_changed =
    requires(const S student, const batch examples, const taps wanted) {
      { student.predict(examples, wanted) } -> std::same_as<outputs>;
    };

template<typename S>
concept name_their_parameters = requires(const S student) {
  { student.parameters() } -> std::same_as<std::vector<named_tensor>>;
};

template<typename S>
concept show_their_state = state_must::be_shown<S>;

}  // namespace student_must

/// A network that can be trained.
///
/// `forward` is the training forward pass: it builds a graph, and updates running statistics and
/// observed ranges. `predict` is the evaluation forward pass: the student does not change, and a
/// graph is built only if gradients are enabled. `parameters()` returns the learned tensors under
/// their full names, sharing memory with the student. A copy is deep (`tests/laws/student.hpp`).
///
/// A constant `taps offered_taps` says which features both passes return if they are wanted; none
/// without one. `feature_shapes tap_shapes(taps) const`, where there is one, gives their shapes.
template<typename S>
concept Student = std::copyable<S> && student_must::forward_a_batch_in_training<S> &&
                  student_must::predict_without_being_changed<S> &&
                  student_must::name_their_parameters<S> && student_must::show_their_state<S>;

}  // namespace rolewise
