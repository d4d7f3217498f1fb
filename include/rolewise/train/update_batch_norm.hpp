// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `update_bn`: re-estimates the running statistics of batch normalization.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/core/role.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/learner_state.hpp>

#include <cstdint>

namespace rolewise {

/// Options of `update_bn`.
struct statistics_options {
  std::int64_t batches = 100;     ///< fewer if an epoch has fewer
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
///     const double before = accuracy(pretraining.student, data.test);
///     update_bn(pretraining.student, data.train, pad_crop_flip{});
///
/// @param data a `dataset` or any other `BatchSource`
/// @param agent the student's augmentation in training
/// @par Determinism
/// A function of the network, the data, the agent and the options, for the same number of threads.
/// @par Source
/// The batch norm re-estimation of quantization toolkits such as the AI Model Efficiency Toolkit
/// (Qualcomm Innovation Center, github.com/quic/aimet).
/// @throws std::invalid_argument for options below 1, an empty data set, or if a batch norm gets a
///         single value per channel, which has no variance
template<typename StudentType, BatchSource Source, AugmentationAgent Agent = no_agent>
void update_bn(StudentType& student, const Source& data, const Agent& agent = {},
               statistics_options options = {})
{
  static_assert(statistics_must::gather_statistics<StudentType>,
                "update_bn wants a network of this library: one with "
                "restart_statistics() and gather_statistics(batch)");
  if (options.batches < 1 || options.batch_size < 1)
    throw_invalid_argument("update_bn", "want batches and batch_size above 0, got ",
                           options.batches, " and ", options.batch_size);
  if (data.size() < 1) throw_invalid_argument("update_bn", "the data set is empty");
  const auto learned = student.parameters();
  // Drops a short last batch, which would be normalized by few values, if there is a full one.
  const bool whole = data.size() >= options.batch_size;
  const auto key = options.seed.split(role::student);
  student.restart_statistics();
  std::int64_t seen = 0;
  for (const auto& examples :
       batches(data, {.size = options.batch_size, .seed = options.seed, .drop_last = whole})) {
    student.gather_statistics(
        detail::to_model_input(agent(examples, training_progress{}, key), learned));
    if (++seen == options.batches) break;
  }
  student.restart_statistics();  // discards the accumulated moments
}

}  // namespace rolewise
