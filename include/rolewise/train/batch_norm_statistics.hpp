// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The running statistics of batch norm, measured anew.
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
  std::int64_t batches = 100;     ///< fewer if the data end before
  std::int64_t batch_size = 128;  ///< that of training: each batch norm normalises by its batch
  rolewise::seed seed{0};         ///< of the order of the data and of the agent's views
};

namespace statistics_must {

template<typename S>
concept gather_statistics = requires(S student, const batch& examples) {
  student.restart_statistics();
  student.gather_statistics(examples);
};

}  // namespace statistics_must

/// Gives every batch norm of a network mean and unbiased variance of all values of some batches, in
/// the place of an exponential average over a training in which weights of few bits jumped from
/// level to level. No learned parameter and no range changes; labels are not looked at.
///
///     const double before = accuracy(school.student, data.test);
///     measure_batch_norm(school.student, data.train, pad_crop_flip{});
///
/// @param agent what the student was shown in training
/// @par Determinism
/// A function of the network, the data, the agent and the options, for the same number of threads.
/// @par Source
/// The re-estimation of quantisation tool kits such as the AI Model Efficiency Toolkit (Qualcomm
/// Innovation Center, github.com/quic/aimet).
/// @throws std::invalid_argument for options below 1 or a data set with less than two examples
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
  const auto learned = student.parameters();
  // A last short batch would be normalised by few values; a single example has no variance.
  const bool whole = data.size() >= options.batch_size;
  const auto key = options.seed.split(role::student);
  student.restart_statistics();
  std::int64_t seen = 0;
  for (const auto& examples :
       batches(data, {.size = options.batch_size, .seed = options.seed, .drop_last = whole})) {
    student.gather_statistics(detail::ready(agent(examples, moment{}, key), learned));
    if (++seen == options.batches) break;
  }
  student.restart_statistics();  // what was pooled is not needed any more
}

}  // namespace rolewise
