// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `Objective` concept: a training loss computed from outputs and labels.
///
/// data -> agent -> teacher/student -> [loss] -> train -> report

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/loss/distillation_loss.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>

namespace rolewise {

/// Labels, ids and training progress of a batch: the inputs of an objective besides the
/// outputs.
struct targets {
  /// `[N]` int64, or `[N, C]` floating point (soft labels).
  torch::Tensor labels;
  /// `[N]` int64, the ids of the examples in their data set; may be undefined.
  torch::Tensor ids;
  training_progress progress;
};

namespace objective_must {

template<typename O>
concept turn_outputs_and_labels_into_one_tensor =
    requires(const O objective, const paired_outputs pair, const targets targets) {
      { objective(pair, targets) } -> std::same_as<torch::Tensor>;
    };

template<typename O>
concept say_whether_they_want_features = loss_must::say_whether_they_want_features<O>;

template<typename O>
concept carry_a_name_for_the_report = loss_must::carry_a_name_for_the_report<O>;

}  // namespace objective_must

/// A loss to minimize, computed from both outputs and the labels.
///
/// Guaranteed beyond the syntax (`tests/laws/objective.hpp`): the result is 0-dimensional and
/// differentiable with respect to the student's outputs; an objective that needs no teacher does
/// not read `pair.teacher`, so that `supervised` can use it.
template<typename O>
concept Objective =
    std::copyable<O> && objective_must::turn_outputs_and_labels_into_one_tensor<O> &&
    objective_must::say_whether_they_want_features<O> &&
    objective_must::carry_a_name_for_the_report<O>;

/// Whether hard labels must be class indices, 0 .. C - 1, so that `fit` checks all of them before
/// it starts. False unless the type declares `static constexpr bool wants_class_labels = true`.
template<typename O>
[[nodiscard]] consteval bool wants_class_labels()
{
  if constexpr (requires { typename std::bool_constant<O::wants_class_labels>; })
    return O::wants_class_labels;
  else
    return false;
}

/// An objective or a distillation loss: a possible term of a weighted sum.
template<typename O>
concept Scored = Objective<O> || DistillationLoss<O>;

/// Evaluates an objective or a distillation loss, whichever it is.
template<Scored O>
[[nodiscard]] torch::Tensor score(const O& objective, const paired_outputs& pair,
                                  const targets& targets)
{
  if constexpr (Objective<O>)
    return objective(pair, targets);
  else
    return objective(pair);
}

}  // namespace rolewise
