// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `evaluate`: accuracy, loss and confusion matrix of a network on a data set.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/classic_text.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/teacher/teacher.hpp>
#include <rolewise/train/detail/class_labels.hpp>
#include <rolewise/train/detail/ordered_batches.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace rolewise {

struct evaluation_options {
  std::int64_t batch_size = 256;  ///< at least 1; the results depend on it only by rounding
};

/// The evaluation results of a network on a data set.
struct evaluation {
  double top1 = 0.0;        ///< share of examples whose highest logit is the label's, in [0, 1]
  double top5 = 0.0;        ///< share whose label is among the min(5, C) highest: 1 for C <= 5
  double loss = 0.0;        ///< mean cross-entropy, nats; infinite where a label's logit is -inf
  torch::Tensor confusion;  ///< `[C, C]` int64, on the CPU: rows are labels, columns predictions
  std::int64_t count = 0;   ///< examples, all of an epoch
};

/// A network that can be evaluated without being changed: a student or a teacher.
template<typename N>
concept Evaluable = Student<N> || Teacher<N>;

namespace detail {

template<Evaluable N>
[[nodiscard]] outputs logits_of_entry(const N& network, const batch& examples)
{
  if constexpr (Student<N>)
    return network.predict(examples, taps{});
  else
    return network.forward(examples, taps{});
}

/// `evaluate` without its check that the loss is not NaN.
template<Evaluable N>
[[nodiscard]] evaluation measured(const N& network, const batch_source_reference& examples,
                                  const evaluation_options& options)
{
  const auto classes = examples.shape().classes;
  if (examples.size() < 1)
    throw_invalid_argument("evaluate", "'", examples.name(), "' has no examples");
  if (options.batch_size < 1)
    throw_invalid_argument("evaluate", "want batch_size >= 1, got ", options.batch_size);
  detail::require_hard_labels("evaluate", examples);

  const torch::NoGradGuard without_graph;
  const auto device = detail::device_of(network).value_or(torch::kCPU);
  const torch::TensorOptions whole = torch::TensorOptions{}.dtype(torch::kLong).device(device);
  torch::Tensor confusion = torch::zeros({classes * classes}, whole);
  torch::Tensor near = torch::zeros({}, whole);
  const auto wide = device.is_mps() ? torch::kFloat32 : torch::kFloat64;
  torch::Tensor loss = torch::zeros({}, torch::TensorOptions{}.dtype(wide).device(device));

  const bool is_checked_whole = examples.examples().has_value();
  std::int64_t count = 0;
  detail::ordered_batches parts{examples, options.batch_size};
  for (std::int64_t step = 0; step < parts.steps(); ++step) {
    const auto here = parts(step);
    const auto size = here.size();
    count += size;
    if (!is_checked_whole) detail::require_hard_labels("evaluate", here);
    const auto part = to_device(here, device);
    const auto logits = detail::logits_of_entry(network, part).logits;
    if (!logits.defined() || logits.dim() != 2 || logits.size(0) != size ||
        logits.size(1) != classes)
      throw_invalid_argument(
          "evaluate", "want logits [", size, ", ", classes, "], got ",
          logits.defined() ? detail::classic_text(logits.sizes()) : "an undefined tensor");
    if (!is_checked_whole)
      detail::require_classes("evaluate", here.labels, classes,
                              detail::classic_text("step ", step, " of '", examples.name(), "'"));
    else if (step == 0)
      detail::require_class_labels("evaluate", examples);
    const auto column = part.labels.unsqueeze(1);
    confusion.scatter_add_(0, part.labels * classes + logits.argmax(1),
                           torch::ones({1}, whole).expand({size}));
    near.add_(std::get<1>(logits.topk(std::min<std::int64_t>(5, classes), 1)).eq(column).sum());
    loss.sub_(torch::log_softmax(logits.to(wide), 1).gather(1, column).sum());
  }

  if (count < 1)
    throw_invalid_argument("evaluate", "'", examples.name(), "' has no batch of ",
                           options.batch_size);
  evaluation found;
  found.count = count;
  found.confusion = confusion.view({classes, classes}).cpu();
  const auto all = static_cast<double>(count);
  found.top1 = static_cast<double>(found.confusion.trace().item<std::int64_t>()) / all;
  found.top5 = static_cast<double>(near.item<std::int64_t>()) / all;
  found.loss = loss.item<double>() / all;
  return found;
}

}  // namespace detail

/// Evaluates a network on every example, a short last batch included, in evaluation mode: nothing
/// of the network changes. Sums stay on the device and are read once.
///
/// Calls `predict` of a student, `forward` of a teacher. The examples are moved to the network's
/// `device()` or, without one, to the device of its `parameters()` or `buffers()`; without these
/// they stay on the CPU.
/// @param examples a `dataset` or any other `BatchSource`; one without `examples()` is evaluated on
///        the batches of its epoch 0, not shuffled
/// @throws std::invalid_argument if there are no examples, labels are not int64 in 0 .. classes - 1
///         (all are checked once), or logits are not `[N, classes]`
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
