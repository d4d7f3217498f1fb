// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of Metric that no compiler can check.

#include "doctest.hpp"

#include <rolewise/core/outputs.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/train/metric.hpp>

#include <cstdint>
#include <string>

namespace rolewise::laws {

/// Examples `begin` .. `end` - 1 of outputs and targets.
[[nodiscard]] inline outputs part_of(const outputs& whole, std::int64_t begin, std::int64_t end)
{
  return {.logits = whole.logits.slice(0, begin, end), .features = {}};
}
[[nodiscard]] inline targets part_of(const targets& whole, std::int64_t begin, std::int64_t end)
{
  auto part = whole;
  part.labels = whole.labels.slice(0, begin, end);
  if (whole.weights.defined()) part.weights = whole.weights.slice(0, begin, end);
  return part;
}

/// A metric keeps its laws on outputs and targets of at least three examples.
template<Metric M>
void metric_holds_for(const M& metric, const outputs& found, const targets& wanted)
{
  const auto count = found.logits.size(0);
  REQUIRE(count > 2);
  const auto whole = metric.sums(found, wanted);
  const auto value = metric.value(whole);
  CHECK(value.dim() == 0);
  CHECK(value.is_floating_point());
  CHECK_FALSE(metric_name(metric).empty());

  // The sums of parts of any sizes add up to those of the whole.
  for (std::int64_t cut = 1; cut < count; ++cut) {
    auto sum = metric.sums(part_of(found, 0, cut), part_of(wanted, 0, cut));
    REQUIRE(sum.sizes() == whole.sizes());
    REQUIRE((sum.scalar_type() == whole.scalar_type()));
    sum.add_(metric.sums(part_of(found, cut, count), part_of(wanted, cut, count)));
    CHECK(torch::allclose(sum, whole, 1e-12, 1e-12));
    CHECK(torch::allclose(metric.value(sum), value, 1e-12, 1e-12, true));
  }

  // Nothing is written into, remembered or differentiated.
  auto learned = found;
  learned.logits = found.logits.detach().clone().requires_grad_();
  const auto copy = metric;
  const auto again = copy.sums(learned, wanted);
  CHECK_FALSE(again.requires_grad());
  CHECK(torch::equal(again, whole));
  CHECK(torch::equal(learned.logits, found.logits));
  if (is_weighted_mean<M>()) {
    REQUIRE(whole.numel() == 2);
    CHECK(torch::equal(value, whole[0] / whole[1]));
  }

  // Elements of weight 0, and ignored ones, change nothing, whatever their outputs.
  auto more = found;
  auto extra = found.logits[0].flip(0).unsqueeze(0).clone();
  more.logits = torch::cat({found.logits, extra});
  auto weighted = wanted;
  weighted.labels = torch::cat({wanted.labels, wanted.labels.slice(0, count - 1)});
  const auto weights =
      wanted.weights.defined()
          ? wanted.weights
          : torch::ones({count},
                        found.logits.options().dtype(torch::kFloat32).requires_grad(false));
  weighted.weights = torch::cat({weights, torch::zeros_like(weights.slice(0, 0, 1))});
  CHECK(torch::allclose(metric.sums(more, weighted), whole, 1e-12, 1e-12));
  if (!wanted.labels.is_floating_point()) {
    auto ignored = wanted;
    ignored.labels = torch::cat(
        {wanted.labels, torch::full_like(wanted.labels.slice(0, 0, 1), wanted.ignore_index)});
    if (wanted.weights.defined())
      ignored.weights = torch::cat({weights, torch::ones_like(weights.slice(0, 0, 1))});
    CHECK(torch::allclose(metric.sums(more, ignored), whole, 1e-12, 1e-12));
  }
}

/// A metric of classes keeps its laws for labels of examples, pixels and tokens, hard and soft,
/// with and without weights.
template<Metric M>
void metric_of_classes_holds_for(const M& metric)
{
  torch::manual_seed(5);
  const auto check = [&](const at::IntArrayRef logits, const at::IntArrayRef elements) {
    const outputs found{.logits = torch::randn(logits), .features = {}};
    const auto hard = torch::randint(0, logits[1], elements, torch::kLong);
    auto some = hard.clone();
    some.flatten()[1] = -7;
    const auto soft = torch::softmax(torch::randn(logits), 1);
    for (const auto& labels : {hard, some, soft})
      for (const auto& weights :
           {torch::Tensor{}, torch::rand({logits[0]}) + 0.5, torch::rand(elements)})
        metric_holds_for(
            metric, found,
            {.labels = labels, .ids = {}, .progress = {}, .weights = weights, .ignore_index = -7});
  };
  check({5, 4}, {5});
  check({3, 4, 6}, {3, 6});
  check({3, 6, 2, 5}, {3, 2, 5});
}

}  // namespace rolewise::laws
