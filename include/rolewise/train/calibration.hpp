// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `calibrate`: sets the ranges of quantizers from batches, without training.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/core/role.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/quant/freeze_ranges.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/learner_state.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace rolewise {

/// Options of `calibrate`.
struct calibration_options {
  std::int64_t batches = 8;  ///< fewer if an epoch has fewer
  std::int64_t batch_size = 128;
  rolewise::seed seed{0};  ///< of the data order and of the agent's views
};

namespace calibration_must {

template<typename S>
concept calibrate = requires(S student, const batch& examples) { student.calibrate(examples); };

}  // namespace calibration_must

namespace detail {

template<typename StudentType>
void require_ranges(StudentType& student)
{
  static_assert(calibration_must::calibrate<StudentType>,
                "calibrate wants a network of this library: one with calibrate(batch)");
  bool some = false;
  for_each_tensor(student, [&](const std::string& name, torch::Tensor&, tensor_kind kind) {
    some = some || is_range_of_quantizer(name, kind);
  });
  if (!some)
    throw_invalid_argument("calibrate", "the network has no ranges, neither learned nor observed");
}

}  // namespace detail

/// Calibrates the quantizer ranges of a network on some batches, without training. Learned ranges
/// of weights and activations that are not initialized yet are initialized as in a training step
/// (by the first batch that yields a range), observed ranges are updated by every batch, fitted
/// bases are updated. Frozen ranges and initialized learned ranges do not change. Batch norm uses
/// its running statistics; nothing else changes but the counter of stochastic roundings. Labels
/// are not read.
///
///     (void)copy_weights(teacher, student);
///     calibrate(student, data.train);           // 8 bits: no training needed
///     freeze_ranges(student);
///
/// Each layer's input is computed with the current ranges of the layers before it.
/// `post_training_quantized` does not need calibration: it takes its ranges from the
/// full-precision network.
///
/// @param data a `dataset` or any other `BatchSource`
/// @param agent the augmentation of the network's later inputs
/// @par Determinism
/// A function of the network, the data, the agent and the options.
/// @throws std::invalid_argument for options below 1, an empty data set, or a network without
///         ranges
template<typename StudentType, BatchSource Source, AugmentationAgent Agent = no_agent>
void calibrate(StudentType& student, const Source& data, const Agent& agent = {},
               calibration_options options = {})
{
  detail::require_ranges(student);
  if (options.batches < 1 || options.batch_size < 1)
    throw_invalid_argument("calibrate", "want batches and batch_size above 0, got ",
                           options.batches, " and ", options.batch_size);
  if (data.size() < 1) throw_invalid_argument("calibrate", "the data set is empty");
  const auto learned = student.parameters();
  const auto key = options.seed.split(role::student);
  std::int64_t seen = 0;
  for (const auto& examples : batches(data, {.size = options.batch_size, .seed = options.seed})) {
    student.calibrate(detail::to_model_input(agent(examples, training_progress{}, key), learned));
    if (++seen == options.batches) break;
  }
}

/// Calibrates on the given batches, without augmentation.
/// @throws std::invalid_argument without batches, or for a network without ranges
template<typename StudentType>
void calibrate(StudentType& student, const std::vector<batch>& examples)
{
  detail::require_ranges(student);
  if (examples.empty())
    throw_invalid_argument("calibrate", "want batches to see the ranges on, got none");
  const auto learned = student.parameters();
  for (const auto& each : examples) student.calibrate(detail::to_model_input(each, learned));
}

}  // namespace rolewise
