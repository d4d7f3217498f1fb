// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What a student is trained on: one number from the responses and what is known of the examples.
///
/// data -> agent -> teacher/student -> [loss] -> train -> report

#include <rolewise/core/moment.hpp>
#include <rolewise/core/response.hpp>
#include <rolewise/loss/distillation_loss.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>

namespace rolewise {

/// What is known of the examples of a batch beside what the networks say.
struct supervision {
  /// `[N]` int64, or `[N, C]` floating point (soft labels).
  torch::Tensor labels;
  /// `[N]` int64, the places of the examples in their data set; may be undefined.
  torch::Tensor ids;
  moment now;
};

namespace objective_must {

template<typename O>
concept turn_responses_and_labels_into_one_tensor =
    requires(const O objective, const paired_responses pair, const supervision known) {
      { objective(pair, known) } -> std::same_as<torch::Tensor>;
    };

template<typename O>
concept say_whether_they_want_features = loss_must::say_whether_they_want_features<O>;

template<typename O>
concept carry_a_name_for_the_report = loss_must::carry_a_name_for_the_report<O>;

}  // namespace objective_must

/// One number to make small, from both responses and the labels.
///
/// Promised beyond the syntax (`tests/laws/objective.hpp`): the result is 0-dimensional and
/// differentiable with respect to the student's response; an objective that needs no teacher
/// leaves `pair.teacher` unread, so that `supervised` can use it.
template<typename O>
concept Objective =
    std::copyable<O> && objective_must::turn_responses_and_labels_into_one_tensor<O> &&
    objective_must::say_whether_they_want_features<O> &&
    objective_must::carry_a_name_for_the_report<O>;

/// Whether hard labels must be classes, 0 .. C - 1, so that `fit` looks at all of them before it
/// begins. False unless the type says `static constexpr bool wants_class_labels = true`.
template<typename O>
[[nodiscard]] consteval bool wants_class_labels()
{
  if constexpr (requires { typename std::bool_constant<O::wants_class_labels>; })
    return O::wants_class_labels;
  else
    return false;
}

/// Anything that may stand in a weighted sum.
template<typename O>
concept Scored = Objective<O> || DistillationLoss<O>;

/// The score of an objective or of a distillation loss, whichever it is.
template<Scored O>
[[nodiscard]] torch::Tensor score(const O& objective, const paired_responses& pair,
                                  const supervision& known)
{
  if constexpr (Objective<O>)
    return objective(pair, known);
  else
    return objective(pair);
}

}  // namespace rolewise
