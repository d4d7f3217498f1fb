// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `evaluate_metrics`: chosen metrics of a network on a data set.

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/evaluable_labels.hpp>
#include <rolewise/train/detail/evaluated_batches.hpp>
#include <rolewise/train/evaluable.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/run_history.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

namespace rolewise {

namespace detail {

/// Values of metrics, and whether all logits were numbers below +infinity.
template<std::size_t count>
struct metric_values {
  std::array<double, count> values{};
  bool are_ordered = true;
};

/// `evaluate_metrics` without its checks of the results.
template<Evaluable N, Metric... M>
[[nodiscard]] metric_values<sizeof...(M)> measured_by(std::string_view who, const N& network,
                                                      const batch_source_reference& examples,
                                                      const evaluation_options& options,
                                                      const M&... chosen)
{
  std::array<torch::Tensor, sizeof...(M)> totals;
  torch::Tensor are_ordered;
  const auto classes = examples.shape().classes;
  for_each_evaluated(
      who, network, examples, options.batch_size, wanted_labels::any,
      [&](const outputs& found, const targets& wanted) {
        if (!wanted.labels.is_floating_point())
          require_logits_for(who, found.logits, wanted.labels, classes);
      },
      [&](const outputs& found, const targets& wanted) {
        const auto ordered = found.logits.lt(std::numeric_limits<double>::infinity()).all();
        are_ordered = are_ordered.defined() ? are_ordered.logical_and_(ordered) : ordered;
        std::size_t i = 0;
        const auto add = [&](torch::Tensor sums) {
          auto& total = totals[i++];
          total = total.defined() ? total.add_(sums) : sums.detach().clone();
        };
        (add(chosen.sums(found, wanted)), ...);
      });
  std::size_t i = 0;
  const auto value_of = [&](const auto& metric) {
    return metric.value(totals[i++].cpu()).template item<double>();
  };
  return {{value_of(chosen)...}, are_ordered.item<bool>()};
}

}  // namespace detail

/// Evaluates metrics of a network on every example, in one pass, in evaluation mode: nothing of the
/// network changes. Returns the number of each metric under its name, in the order of the
/// arguments:
///
///     const auto [accuracy, iou] = evaluate_metrics(student, data, top_k_accuracy{}, mean_iou{});
///
/// A metric of the data set is computed from sums over all its batches, which stay on the device
/// and are read once; it is not the mean of metrics of batches. Labels, devices and calls of the
/// network are those of `evaluate`; floating-point labels may also be values to regress to.
/// @throws std::invalid_argument as `evaluate`, and as the metrics
/// @throws diverged that names the data set if logits are NaN or +inf, or a metric is NaN, as it is
///         if no label counts
template<Evaluable N, BatchSource Source, Metric... M>
  requires(sizeof...(M) > 0)
[[nodiscard]] std::array<named_number, sizeof...(M)> evaluate_metrics(
    const N& network, const Source& examples, const evaluation_options& options, const M&... chosen)
{
  const auto found = detail::measured_by("evaluate_metrics", network,
                                         batch_source_reference{examples}, options, chosen...);
  if (!found.are_ordered)
    diverge("evaluate_metrics", "the logits on '", detail::name_of(examples),
            "' are not all numbers that can be ordered");
  std::size_t i = 0;
  const auto named = [&](const auto& metric) {
    const double value = found.values[i++];
    if (std::isnan(value))
      diverge("evaluate_metrics", "'", metric_name(metric), "' on '", detail::name_of(examples),
              "' is nan; it is if no label counts");
    return named_number{metric_name(metric), value};
  };
  return {named(chosen)...};
}

/// The same, in batches of the default size.
template<Evaluable N, BatchSource Source, Metric... M>
  requires(sizeof...(M) > 0)
[[nodiscard]] std::array<named_number, sizeof...(M)> evaluate_metrics(const N& network,
                                                                      const Source& examples,
                                                                      const M&... chosen)
{
  return evaluate_metrics(network, examples, evaluation_options{}, chosen...);
}

}  // namespace rolewise
