// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The loop of evaluation: the outputs of a network for each batch of a source.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/detail/evaluable_labels.hpp>
#include <rolewise/train/detail/ordered_batches.hpp>
#include <rolewise/train/evaluable.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise::detail {

/// Device that a network is evaluated on.
template<Evaluable N>
[[nodiscard]] torch::Device evaluation_device(const N& network)
{
  return device_of(network).value_or(torch::kCPU);
}

/// @throws std::invalid_argument unless there is an example and a batch size
ROLEWISE_INLINE void require_examples(std::string_view who, const batch_source_reference& examples,
                                      std::int64_t batch_size);

/// @throws std::invalid_argument unless there is a logit for each class of each label
ROLEWISE_INLINE void require_logits_for(std::string_view who, const torch::Tensor& logits,
                                        const torch::Tensor& labels, std::int64_t classes);

/// Calls `use(outputs, targets)` for each batch of a source, in its order, on the device of the
/// network, without a graph. Batches share the memory of a source that shows all its examples where
/// that is the device of the network. Labels are checked as a whole then, in parts otherwise; their
/// range after the first forward pass and `require_outputs(outputs, targets)`.
/// @throws std::invalid_argument for wrong labels, and if the source has no batch
template<Evaluable N, typename Require, typename Use>
void for_each_evaluated(std::string_view who, const N& network,
                        const batch_source_reference& examples, std::int64_t batch_size,
                        wanted_labels kind, const Require& require_outputs, const Use& use)
{
  require_examples(who, examples, batch_size);
  const auto classes = examples.shape().classes;
  const auto whole = examples.examples();
  if (whole) require_labels(who, kind, *whole, classes);
  const torch::NoGradGuard without_graph;
  const auto device = evaluation_device(network);
  ordered_batches parts{examples, batch_size};
  if (parts.steps() < 1)
    throw_invalid_argument(who, "'", examples.name(), "' has no batch of ", batch_size);
  for (std::int64_t step = 0; step < parts.steps(); ++step) {
    const auto here = parts(step);
    if (!whole) require_labels(who, kind, here, classes);
    const auto part = to_device(here, device);
    const auto found = evaluated_outputs(network, part);
    const auto wanted = targets_of(part, training_progress{});
    require_outputs(found, wanted);
    if (!whole)
      require_class_range(who, here, classes,
                          classic_text("step ", step, " of '", examples.name(), "'"));
    else if (step == 0)
      require_class_range(who, *whole, classes, classic_text("'", examples.name(), "'"));
    use(found, wanted);
  }
}

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/evaluated_batches.hpp>
#endif
