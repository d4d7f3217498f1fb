// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The loop of evaluation: the outputs of a network for each batch of a data set.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/classic_text.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/train/evaluable.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise::detail {

template<Evaluable N>
[[nodiscard]] outputs logits_of_entry(const N& network, const batch& examples)
{
  if constexpr (Student<N>)
    return network.predict(examples, taps{});
  else
    return network.forward(examples, taps{});
}

/// Device that a network is evaluated on.
template<Evaluable N>
[[nodiscard]] torch::Device evaluation_device(const N& network)
{
  return device_of(network).value_or(torch::kCPU);
}

/// @throws std::invalid_argument unless there is an example and a batch size
inline void require_examples(std::string_view who, const dataset& examples, std::int64_t batch_size)
{
  if (examples.size() < 1) throw_invalid_argument(who, "'", examples.name, "' has no examples");
  if (batch_size < 1) throw_invalid_argument(who, "want batch_size >= 1, got ", batch_size);
}

/// @throws std::invalid_argument unless there is a logit for each class of each label
inline void require_logits_for(std::string_view who, const torch::Tensor& logits,
                               const torch::Tensor& labels, std::int64_t classes)
{
  auto wanted = labels.sizes().vec();
  if (!labels.is_floating_point()) wanted.insert(wanted.begin() + 1, classes);
  if (!logits.defined() || logits.sizes() != at::IntArrayRef{wanted})
    throw_invalid_argument(
        who, "want logits ", at::IntArrayRef{wanted}, ", got ",
        logits.defined() ? detail::classic_text(logits.sizes()) : "an undefined tensor");
}

/// Calls `use(outputs, targets)` for each batch of a data set, in its order, on the device of the
/// network, without a graph. Batches share the memory of the data set where that is its device.
template<Evaluable N, typename Use>
void for_each_evaluated(const N& network, const dataset& examples, std::int64_t batch_size,
                        const Use& use)
{
  const torch::NoGradGuard without_graph;
  const auto device = evaluation_device(network);
  const auto count = examples.size();
  for (std::int64_t begin = 0; begin < count; begin += batch_size) {
    const auto size = std::min(batch_size, count - begin);
    const auto part =
        to_device({examples.images.narrow(0, begin, size), examples.labels.narrow(0, begin, size),
                   examples.ids.narrow(0, begin, size), examples.normalization},
                  device);
    use(logits_of_entry(network, part), targets_of(part, training_progress{}));
  }
}

}  // namespace rolewise::detail
