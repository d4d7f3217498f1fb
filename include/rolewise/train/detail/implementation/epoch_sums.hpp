// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/epoch_sums.hpp>.

#include <rolewise/train/detail/epoch_sums.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE void epoch_sums::add(const metrics& numbers, std::int64_t examples)
{
  const torch::NoGradGuard without_graph;
  if (numbers.empty())
    throw_invalid_argument("fit", "the step gave no metrics; the first must be the loss");
  if (names_.empty()) {
    for (const auto& each : numbers) {
      names_.push_back(each.name);
      const auto wide = each.value.device().is_mps() ? torch::kFloat : torch::kDouble;
      sums_.push_back(at::zeros({}, each.value.options().dtype(wide).requires_grad(false)));
    }
    each_.resize(numbers.size());
    totals_.resize(numbers.size());
  }
  if (numbers.size() != names_.size())
    throw_invalid_argument("fit", "the step gave ", names_.size(), " metrics, then ",
                           numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto& given = numbers[i];
    if (given.name != names_[i])
      throw_invalid_argument("fit", "the step gave the metric '", names_[i], "', then '",
                             given.name, "' in its place");
    sums_[i].add_(given.value, examples);
    each_[i].push_back(given.value);
    add_sums(totals_[i], given);
  }
  count_ += examples;
}

ROLEWISE_INLINE std::vector<named_number> epoch_sums::means(std::int64_t epoch) const
{
  std::vector<named_number> found;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (totals_[i].sums.defined()) {
      const auto all = totals_[i].sums.cpu();
      const double value = totals_[i].value_of(all).item<double>();
      if (!std::isfinite(value)) fail_at(i, epoch, value);
      if (!counts_each_example(totals_[i], all)) {
        found.push_back({names_[i], value});
        continue;
      }
    }
    const double sum = sums_[i].item<double>();
    if (!std::isfinite(sum)) fail_at(i, epoch, sum);
    found.push_back({names_[i], sum / static_cast<double>(count_)});
  }
  return found;
}

ROLEWISE_INLINE void epoch_sums::add_sums(metric& total, const metric& given) const
{
  if (count_ > 0 && given.sums.defined() != total.sums.defined())
    throw_invalid_argument("fit", "the metric '", given.name,
                           "' has sums in some steps, in others none");
  if (!given.sums.defined()) return;
  if (!given.value_of)
    throw_invalid_argument("fit", "the metric '", given.name, "' has sums but no value_of");
  if (total.sums.defined()) {
    total.sums.add_(given.sums);
    total.is_mean_over_examples &= given.is_mean_over_examples;
    return;
  }
  total = given;
  total.sums = given.sums.detach().clone();
}

ROLEWISE_INLINE void epoch_sums::fail_at(std::size_t metric, std::int64_t epoch, double sum) const
{
  for (std::size_t step = 0; step < each_[metric].size(); ++step) {
    const double value = each_[metric][step].item<double>();
    if (!std::isfinite(value))
      diverge("fit", "'", names_[metric], "' is ", without_sign_of_nan(value), " in epoch ", epoch,
              ", step ", step);
  }
  diverge("fit", "'", names_[metric], "' adds up to ", without_sign_of_nan(sum), " in epoch ",
          epoch);
}

}  // namespace rolewise::detail
