// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `measure_batch_norm`: re-estimates the running statistics of batch normalization.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/moment.hpp>
#include <rolewise/core/role.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/train/detail/descent.hpp>

#include <cstdint>

namespace rolewise {

struct statistics_options {
  std::int64_t batches = 100;     ///< fewer if the data set is smaller
  std::int64_t batch_size = 128;  ///< that of training: each batch norm normalizes by its batch
  rolewise::seed seed{0};         ///< of the data order and of the agent's views
};

namespace statistics_must {

template<typename S>
concept gather_statistics = requires(S student, const batch& examples) {
  student.restart_statistics();
  student.gather_statistics(examples);
};

}  // namespace statistics_must

/// Re-estimates batch norm statistics: sets the running mean and variance of every batch norm to
/// the mean and unbiased variance of all values of some batches. These replace an exponential
/// average over a training in which low-bit weights jumped between quantization levels. No
/// learned parameter and no range changes; labels are not read.
///
///     const double before = accuracy(school.student, data.test);
///     measure_batch_norm(school.student, data.train, pad_crop_flip{});
///
/// @param agent the student's augmentation in training
/// @par Determinism
/// A function of the network, the data, the agent and the options, for the same number of threads.
/// @par Source
/// The batch norm re-estimation of quantization toolkits such as the AI Model Efficiency Toolkit
/// (Qualcomm Innovation Center, github.com/quic/aimet).
/// @throws std::invalid_argument for options below 1, an empty data set, or if a batch norm gets a
///         single value per channel, which has no variance
template<typename Learner, AugmentationAgent Agent = no_agent>
void measure_batch_norm(Learner& student, const dataset& data, const Agent& agent = {},
                        statistics_options options = {})
{
  static_assert(statistics_must::gather_statistics<Learner>,
                "measure_batch_norm wants a network of this library: one with "
                "restart_statistics() and gather_statistics(batch)");
  if (options.batches < 1 || options.batch_size < 1)
    refuse("measure_batch_norm", "want batches and batch_size above 0, got ", options.batches,
           " and ", options.batch_size);
  if (data.size() < 1) refuse("measure_batch_norm", "the data set is empty");
  const auto learned = student.parameters();
  // Drops a short last batch, which would be normalized by few values, if there is a full one.
  const bool whole = data.size() >= options.batch_size;
  const auto key = options.seed.split(role::student);
  student.restart_statistics();
  std::int64_t seen = 0;
  for (const auto& examples :
       batches(data, {.size = options.batch_size, .seed = options.seed, .drop_last = whole})) {
    student.gather_statistics(detail::ready(agent(examples, moment{}, key), learned));
    if (++seen == options.batches) break;
  }
  student.restart_statistics();  // discards the accumulated moments
}

}  // namespace rolewise
