// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Updates of several learners by one loss.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/gradients_on.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/backward_to.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/trainable.hpp>
#include <rolewise/train/unrolled_update.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace rolewise {

/// One update of each learner that lowers the loss, from one backward pass: all gradients are those
/// before the first update. Two calls of `minimize` need two passes, of which the second would see
/// what the first has updated.
/// @param loss `[]`, floating point, with its graph
/// @throws std::invalid_argument as `learner::minimize`, for each, before any of them is updated
template<typename... Learners>
void minimize_together(const torch::Tensor& loss, const training_progress& progress,
                       Learners&... learners)
{
  constexpr std::string_view who = "minimize_together";
  const detail::gradients_on for_now{who};
  detail::require_loss(loss, who);
  std::vector<named_tensor> all;
  const auto add = [&](std::vector<named_tensor> of_one) {
    all.insert(all.end(), of_one.begin(), of_one.end());
    return of_one;
  };
  const std::vector<std::vector<named_tensor>> each{add(parameters_of(learners.model))...};
  const auto gradients = parameter_gradients(all, loss);
  std::vector<torch::Tensor> own_losses;
  auto next = gradients.begin();
  for (const auto& parameters : each) {
    const auto from = next;
    next += static_cast<std::ptrdiff_t>(parameters.size());
    own_losses.push_back(loss_with_gradients(parameters, {from, next}));
    if (!own_losses.back().defined())
      throw_invalid_argument(who, "the loss depends on none of the ", parameters.size(),
                             " parameters of learner ", own_losses.size(), " of ", each.size());
  }
  (static_cast<void>(learners.learning_rate(progress)), ...);  // which throws if it is not finite
  auto own = own_losses.begin();
  (learners.minimize(*own++, progress), ...);
}

}  // namespace rolewise
