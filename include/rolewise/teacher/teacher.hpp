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

/// A network that returns outputs without a graph for a batch, and always the same ones for the
/// same view (`tests/laws/teacher.hpp`).
template<typename T>
concept Teacher = std::copyable<T> && teacher_must::predict_a_batch_without_being_changed<T>;

}  // namespace rolewise
