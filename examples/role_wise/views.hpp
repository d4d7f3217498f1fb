// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Evaluates a teacher on the views of its student.

#include "outcome.hpp"

#include <rolewise/agent.hpp>
#include <rolewise/data.hpp>
#include <rolewise/measurement.hpp>
#include <rolewise/teacher.hpp>
#include <rolewise/train.hpp>

#include <algorithm>
#include <cstdint>

namespace role_wise {

/// The teacher's accuracy and T. stddev on the student's views of the training images, over several
/// epochs if images are few.
template<rolewise::Teacher T, rolewise::AugmentationAgent Agent, rolewise::AugmentationAgent Shared>
[[nodiscard]] views_seen look_at_views(const T& teacher, const rolewise::dataset& train,
                                       const Agent& student_agent, const Shared& shared,
                                       std::int64_t batch_size)
{
  constexpr std::int64_t wanted_views = 1000;
  const auto epochs = std::clamp<std::int64_t>(wanted_views / train.size(), 1, 20);
  const rolewise::seed key{1};
  const torch::NoGradGuard without_graph;
  std::int64_t right = 0, seen = 0;
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch)
    for (const rolewise::batch& examples :
         rolewise::batches(train, {.size = batch_size, .seed = key, .epoch = epoch})) {
      const rolewise::training_progress progress{.epoch = epoch, .step = 0, .epochs = epochs};
      const auto views = rolewise::make_views(examples, rolewise::same_view{}, student_agent,
                                              shared, progress, key);
      const auto labels =
          views.student.labels.dim() == 2 ? views.student.labels.argmax(1) : views.student.labels;
      right += teacher.forward(views.student, {})
                   .logits.argmax(1)
                   .eq(labels)
                   .sum()
                   .template item<std::int64_t>();
      seen += examples.size();
    }
  const auto batches_an_epoch = train.size() / batch_size;
  views_seen found{.teacher_accuracy = static_cast<double>(right) / static_cast<double>(seen)};
  // At least four groups: a standard deviation of two numbers would be too noisy.
  const auto steps = std::clamp<std::int64_t>(batches_an_epoch * epochs / 4, 0, 5);
  found.teacher_stddev =
      steps == 0 ? std::numeric_limits<double>::quiet_NaN()
                 : rolewise::measurement::teacher_stddev(
                       teacher, train, student_agent,
                       rolewise::measurement::stddev_options<Shared>{.batch_size = batch_size,
                                                                     .steps = steps,
                                                                     .epochs = epochs,
                                                                     .seed = key,
                                                                     .base = shared})
                       .stddev;
  return found;
}

}  // namespace role_wise
