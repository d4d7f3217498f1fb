// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `evaluate`: accuracy, loss and confusion matrix of a network on a data set.

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/evaluable_labels.hpp>
#include <rolewise/train/detail/evaluated_batches.hpp>
#include <rolewise/train/detail/evaluation_sums.hpp>
#include <rolewise/train/evaluable.hpp>

#include <cmath>
#include <cstdint>
#include <utility>

namespace rolewise {

/// Options of `evaluate`.
struct evaluation_options {
  std::int64_t batch_size = 256;  ///< at least 1; the results depend on it only by rounding
};

/// The evaluation results of a network on a data set: over its elements, which are examples, or
/// pixels or tokens where each has a label. Ignored elements and those of weight 0 do not count;
/// otherwise elements count by their weights, except in `confusion` and `count`.
struct evaluation {
  double top1 = 0.0;        ///< share of elements whose highest logit is the label's, in [0, 1]
  double top5 = 0.0;        ///< share whose label is among the min(5, C) highest: 1 for C <= 5
  double loss = 0.0;        ///< mean cross-entropy, nats; infinite where a label's logit is -inf
  torch::Tensor confusion;  ///< `[C, C]` int64, on the CPU: rows are labels, columns predictions
  std::int64_t count = 0;   ///< elements that count; of one label per example, all examples
};

namespace detail {

/// `evaluate` without its check that the loss is not NaN.
template<Evaluable N>
[[nodiscard]] evaluation measured(const N& network, const batch_source_reference& examples,
                                  const evaluation_options& options)
{
  const auto classes = examples.shape().classes;
  evaluation_sums sums{classes, evaluation_device(network)};
  for_each_evaluated(
      "evaluate", network, examples, options.batch_size, wanted_labels::classes,
      [&](const outputs& found, const targets& wanted) {
        require_logits_for("evaluate", found.logits, wanted.labels, classes);
      },
      [&](const outputs& found, const targets& wanted) { sums.add(found.logits, wanted); });
  auto [top1, top5, loss, confusion, count] = sums.read();
  if (count == 0)
    throw_invalid_argument("evaluate", "no label of '", examples.name(),
                           "' counts: all are ignored or of weight 0");
  return {top1, top5, loss, confusion, count};
}

}  // namespace detail

/// Evaluates a classifier on every example, a short last batch included, in evaluation mode:
/// nothing of the network changes. Sums stay on the device and are read once.
///
/// Labels may be hard or soft, and one for each example, pixel or token. A soft label counts by its
/// largest class, and by its cross-entropy in the loss. The loss of one label per example is
/// computed in double precision, that of pixels and tokens in at least single precision. The
/// confusion matrix takes 8 C^2 bytes: for large vocabularies, use `evaluate_metrics`.
///
/// Calls `predict` of a student, `forward` of a teacher. The examples are moved to the network's
/// `device()` or, without one, to the device of its `parameters()` or `buffers()`; without these
/// they stay on the CPU.
/// @param examples a `dataset` or any other `BatchSource`; one without `examples()` is evaluated on
///        the batches of its epoch 0, not shuffled
/// @throws std::invalid_argument if there are no examples, labels are neither soft nor int64 in 0
///         .. classes - 1 or the ignore index (all are checked once), none of them counts, or
///         logits are not `[N, classes]`, with the further axes of the labels
/// @throws diverged that names the data set if the loss is NaN: the logits contain NaN or +inf
template<Evaluable N, BatchSource Source>
[[nodiscard]] evaluation evaluate(const N& network, const Source& examples,
                                  const evaluation_options& options = {})
{
  auto found = detail::measured(network, batch_source_reference{examples}, options);
  if (std::isnan(found.loss))
    diverge("evaluate", "the cross-entropy on '", detail::name_of(examples),
            "' is nan: the network's logits are not all numbers that can be ordered");
  return found;
}

/// Top-1 accuracy over every example, in [0, 1].
/// @throws std::invalid_argument and diverged as `evaluate`
template<Evaluable N, BatchSource Source>
[[nodiscard]] double accuracy(const N& network, const Source& examples,
                              const evaluation_options& options = {})
{
  return evaluate(network, examples, options).top1;
}

}  // namespace rolewise
