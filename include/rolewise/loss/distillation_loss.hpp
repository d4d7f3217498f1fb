// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `DistillationLoss` concept: a loss between the outputs of teacher and student.
///
/// data -> agent -> teacher/student -> [loss] -> train -> report

#include <rolewise/loss/loss_function.hpp>

namespace rolewise {

/// A loss that reads the outputs of the teacher (and perhaps the targets).
///
/// The compiler checks the syntax. The author of a type guarantees the rest, which
/// `tests/laws/distillation_loss.hpp` checks on samples:
///   - the result is 0-dimensional and differentiable with respect to the student's outputs;
///   - no gradient reaches the teacher's outputs, unless `reaches_teacher` is true;
///   - for given outputs of the teacher, no outputs of the student have a lower loss than equal
///     ones, unless `minimum_at_teacher` is false;
///   - its `invariances`, if it declares any, hold;
///   - other features than those declared are never read.
template<typename L>
concept DistillationLoss = LossFunction<L> && reads_teacher<L>();

}  // namespace rolewise
