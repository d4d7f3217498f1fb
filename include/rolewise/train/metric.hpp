// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `Metric` concept: a number that tells how good outputs are, computed from sums over
/// batches.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/train/training_step.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace rolewise {

/// The requirements of Metric, named so that compiler errors read as sentences.
namespace metric_must {

template<typename M>
concept sum_over_outputs_and_targets =
    requires(const M metric, const outputs found, const targets wanted) {
      { metric.sums(found, wanted) } -> std::same_as<torch::Tensor>;
    };

template<typename M>
concept turn_sums_into_one_number = requires(const M metric, const torch::Tensor sums) {
  { metric.value(sums) } -> std::same_as<torch::Tensor>;
};

template<typename M>
concept say_whether_higher_is_better = requires(const M metric) {
  { metric.higher_is_better } -> std::convertible_to<bool>;
};

template<typename M>
concept give_a_name = requires(const M metric) {
  { metric.name() } -> std::convertible_to<std::string>;
};

template<typename M>
concept carry_a_name_for_the_report = give_a_name<M> || requires {
  { M::name } -> std::convertible_to<std::string_view>;
};

}  // namespace metric_must

/// A metric of outputs against targets:
///
///   - `sums(outputs, targets)`: sums over the elements of a batch (its examples, pixels or
///     tokens), a tensor whose shape depends on the number of classes alone, on the device of the
///     outputs, float64 (float32 on MPS) or int64;
///   - `value(sums)`: the metric of all batches whose sums were added, `[]`, floating point, on the
///     device of the sums; NaN if nothing counted;
///   - `higher_is_better`, usually `static constexpr`;
///   - `name`, a `static constexpr std::string_view`, or `name()` where it depends on parameters.
///
/// Optional declaration: `static constexpr bool is_weighted_mean = true` of a metric whose sums are
/// [weighted sum, sum of weights] and whose value is their quotient.
///
/// Guaranteed beyond the syntax (`tests/laws/metric.hpp`): the sums of the parts of a batch add up
/// to those of the batch; hard labels of `targets::ignore_index` and elements of weight 0 change
/// nothing; neither function synchronizes with the device or builds a graph.
template<typename M>
concept Metric =
    std::copyable<M> && metric_must::sum_over_outputs_and_targets<M> &&
    metric_must::turn_sums_into_one_number<M> && metric_must::say_whether_higher_is_better<M> &&
    metric_must::carry_a_name_for_the_report<M>;

/// In place of the metric of a training step: its batches have none.
struct no_metric {
  static constexpr bool has_state = false;
};

/// What a training step takes as its metric.
template<typename M>
concept StepMetric = Metric<M> || std::same_as<M, no_metric>;

/// The name of a metric, such as `accuracy` or `top-5 accuracy`.
template<typename M>
  requires metric_must::carry_a_name_for_the_report<M>
[[nodiscard]] std::string metric_name(const M& metric)
{
  if constexpr (metric_must::give_a_name<M>)
    return metric.name();
  else
    return std::string{std::string_view{M::name}};
}

/// Whether the sums of a metric are [weighted sum, sum of weights]. False unless the type declares
/// `static constexpr bool is_weighted_mean = true`.
template<typename M>
[[nodiscard]] consteval bool is_weighted_mean()
{
  if constexpr (requires { typename std::bool_constant<M::is_weighted_mean>; })
    return M::is_weighted_mean;
  else
    return false;
}

/// The metric of one batch, `[]` float32, on the device of the outputs; does not synchronize.
template<Metric M>
[[nodiscard]] torch::Tensor batch_value(const M& metric, const outputs& found,
                                        const targets& wanted)
{
  const torch::NoGradGuard without_graph;
  return metric.value(metric.sums(found, wanted)).to(torch::kFloat);
}

/// Adds the metric of one batch to the numbers of a step, with its sums, from which `fit` computes
/// that of the epoch. `no_metric` adds nothing.
template<StepMetric M>
void add_metric(metrics& numbers, const M& of, const outputs& found, const targets& wanted)
{
  if constexpr (Metric<M>) {
    const torch::NoGradGuard without_graph;
    auto sums = of.sums(found, wanted);
    auto value = of.value(sums).to(torch::kFloat);
    numbers.push_back(
        {.name = metric_name(of),
         .value = std::move(value),
         .sums = std::move(sums),
         .value_of = [of](const torch::Tensor& all) { return of.value(all); },
         .is_mean_over_examples = is_weighted_mean<M>() && !wanted.weights.defined()});
  }
}

}  // namespace rolewise
