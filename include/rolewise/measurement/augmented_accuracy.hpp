// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `augmented_accuracy`: how well a trained network recognizes augmented examples.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/evaluable.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise::measurement {

/// The options of `augmented_accuracy`.
struct augmented_options {
  std::int64_t draws = 5;         ///< views of each example; at least 1
  std::int64_t batch_size = 256;  ///< at least 1
  rolewise::seed seed{0};         ///< of the views
};

/// The share of examples that a network recognizes in at least one of `draws` views: the score of
/// Fast AutoAugment, if the network was trained without augmentation and the examples were held
/// out. An augmentation is better, in this view, if it leads from the held-out examples to others
/// that are as likely under the distribution of the training examples (density matching).
///
///     augmented_accuracy(net, held_out, auto_augment{.policy = policy})
///
/// View d is drawn under `seed.split(d)`, so more draws never lower the share; an agent that
/// changes nothing gives the accuracy. Networks are evaluated in evaluation mode.
///
/// @param examples labels are hard, one for each example
/// @return in [0, 1]
/// @throws std::invalid_argument for options below 1, no example, or other labels
/// @par Source
/// Lim, Kim, Kim, Kim, Kim: Fast AutoAugment, NeurIPS 2019, arXiv:1905.00397, section 3; the best
/// of 5 draws as in its code, kakaobrain/fast-autoaugment.
template<Evaluable Network, AugmentationAgent Agent>
[[nodiscard]] double augmented_accuracy(const Network& network, const dataset& examples,
                                        const Agent& agent, const augmented_options& options = {})
{
  constexpr std::string_view who = "augmented_accuracy";
  if (options.draws < 1 || options.batch_size < 1)
    throw_invalid_argument(who, "want draws and batch_size of at least 1, got ", options.draws,
                           " and ", options.batch_size);
  if (examples.size() < 1) throw_invalid_argument(who, "want one example or more, got none");
  if (!examples.labels.defined() || examples.labels.dim() != 1 ||
      examples.labels.scalar_type() != torch::kLong)
    throw_invalid_argument(who, "want labels [", examples.size(), "] of int64");

  const torch::NoGradGuard without_graph;
  std::int64_t recognized = 0;
  for (const batch& part : batches(examples, {.size = options.batch_size, .shuffle = false})) {
    torch::Tensor in_any;
    for (std::int64_t d = 0; d < options.draws; ++d) {
      const auto view =
          agent(part, training_progress{}, options.seed.split(static_cast<std::uint64_t>(d)));
      const auto said = evaluated_outputs(network, rolewise::detail::on_device_of(network, view));
      const auto right = said.logits.argmax(1).cpu().eq(part.labels.cpu());
      in_any = in_any.defined() ? in_any.logical_or(right) : right;
    }
    recognized += in_any.sum().template item<std::int64_t>();
  }
  return static_cast<double>(recognized) / static_cast<double>(examples.size());
}

}  // namespace rolewise::measurement
