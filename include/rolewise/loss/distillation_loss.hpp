// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `DistillationLoss` concept: a loss between the outputs of teacher and student.
///
/// data -> agent -> teacher/student -> [loss] -> train -> report

#include <rolewise/core/outputs.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>

namespace rolewise {

/// The requirements of DistillationLoss, named so that compiler errors read as sentences.
namespace loss_must {

template<typename L>
concept turn_a_pair_into_one_tensor = requires(const L loss, const paired_outputs pair) {
  { loss(pair) } -> std::same_as<torch::Tensor>;
};

template<typename L>
concept say_whether_they_want_features =
    requires { typename std::bool_constant<L::wants_features>; };

template<typename L>
concept carry_a_name_for_the_report = requires {
  { L::name } -> std::convertible_to<std::string_view>;
};

}  // namespace loss_must

/// A loss that measures the distance of the student's outputs from the teacher's on one batch.
///
/// The compiler checks the syntax. The author of a type guarantees the rest, which
/// `tests/laws/distillation_loss.hpp` checks on samples:
///   - the result is 0-dimensional and differentiable with respect to the student's outputs;
///   - no gradient reaches the teacher's outputs, unless `reaches_teacher` is true;
///   - for a given outputs of the teacher, no outputs of the student have a lower loss than equal
///   ones;
///   - without `wants_features`, the features are never read.
template<typename L>
concept DistillationLoss =
    std::copyable<L> && loss_must::turn_a_pair_into_one_tensor<L> &&
    loss_must::say_whether_they_want_features<L> && loss_must::carry_a_name_for_the_report<L>;

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

}  // namespace rolewise
