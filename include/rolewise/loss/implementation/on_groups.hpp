// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/on_groups.hpp>.

#include <rolewise/loss/on_groups.hpp>

#include <rolewise/core/draws.hpp>
#include <rolewise/loss/detail/require_labels.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/weighted_mean.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE combined_groups::combined_groups(const group_options& options, std::int64_t rows,
                                                 const training_progress& progress)
    : options_{options}
{
  if (options.first < 1 || options.second < 1)
    throw_invalid_argument("on_groups", "want groups of at least 1 example, got ", options.first,
                           " and ", options.second);
  const auto all = options.first + options.second;
  if (rows < 1 || rows % all != 0)
    throw_invalid_argument("on_groups", "want batches of whole tuples of ", options.first, " + ",
                           options.second, " examples, got ", rows,
                           " examples; sample_tuples makes them");
  tuples_ = rows / all;
  if (options.comparison != group_comparison::mixture) return;
  lambda_ = at::empty({tuples_}, torch::kDouble);
  const auto key = options.seed.split(purpose{"mixture of groups"})
                       .split(static_cast<std::uint64_t>(progress.step));
  for (std::int64_t n = 0; n < tuples_; ++n)
    lambda_.mutable_data_ptr<double>()[n] = draws{key, progress.epoch, n}.uniform(0);
}

ROLEWISE_INLINE torch::Tensor combined_groups::operator()(const torch::Tensor& rows) const
{
  const auto all = options_.first + options_.second;
  const auto x = wide_enough(rows).unflatten(0, {tuples_, all});
  const auto first = x.narrow(1, 0, options_.first).mean(1);
  const auto second = x.narrow(1, options_.first, options_.second).mean(1);
  switch (options_.comparison) {
    case group_comparison::difference:
      return first - second;
    case group_comparison::average:
      return 0.5 * (first + second);
    case group_comparison::mixture:
      break;
  }
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(first.dim()), 1);
  sizes[0] = tuples_;
  const auto lambda = lambda_.to(first.options()).view(sizes);
  return lambda * first + (1.0 - lambda) * second;
}

ROLEWISE_INLINE targets combined_groups::of(const targets& examples, const torch::Tensor& logits,
                                            bool with_labels) const
{
  targets found{.labels = {}, .ids = {}, .progress = examples.progress};
  found.ignore_index = examples.ignore_index;
  auto weights = examples.weights;
  if (weights.defined()) weights = weights_for(logits.select(1, 0), weights, "on_groups");
  if (with_labels) {
    const auto target = target_classes_of(examples, logits, "on_groups");
    found.labels = (*this)(
        (target.found.is_hard ? target.is_target : examples.labels).to(logits.scalar_type()));
    if (target.found.may_ignore && target.found.is_hard) {
      const auto counts = examples.labels.ne(examples.ignore_index);
      weights = weights.defined() ? weights * counts : counts.to(logits.scalar_type());
    }
  }
  if (weights.defined())
    found.weights =
        wide_enough(weights).unflatten(0, {tuples_, options_.first + options_.second}).prod(1);
  return found;
}

}  // namespace rolewise::detail
