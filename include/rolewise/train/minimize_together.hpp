// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Updates of several learners by one loss.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/trainable.hpp>
#include <rolewise/train/unrolled_update.hpp>

#include <cstddef>
#include <vector>

namespace rolewise {

/// One update of each learner that lowers the loss, from one backward pass: all gradients are those
/// before the first update. Two calls of `minimize` need two passes, of which the second would see
/// what the first has updated.
/// @param loss `[]`, floating point, with its graph
/// @throws std::invalid_argument as `learner::minimize`, for each
template<typename... Learners>
void minimize_together(const torch::Tensor& loss, const training_progress& progress,
                       Learners&... learners)
{
  std::vector<named_tensor> all;
  const auto add = [&](std::vector<named_tensor> of_one) {
    all.insert(all.end(), of_one.begin(), of_one.end());
    return of_one;
  };
  const std::vector<std::vector<named_tensor>> each{add(parameters_of(learners.model))...};
  const auto gradients = parameter_gradients(all, loss);
  std::size_t i = 0;
  auto next = gradients.begin();
  const auto own_loss = [&] {
    const auto& parameters = each[i++];
    const auto from = next;
    next += static_cast<std::ptrdiff_t>(parameters.size());
    return loss_with_gradients(parameters, {from, next});
  };
  (learners.minimize(own_loss(), progress), ...);
}

}  // namespace rolewise
