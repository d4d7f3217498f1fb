// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/dataset.hpp>.

#include <rolewise/data/dataset.hpp>

#include <bit>
#include <numeric>

namespace rolewise {

ROLEWISE_INLINE batch dataset::examples() const
{
  return {.inputs = inputs,
          .labels = labels,
          .ids = ids,
          .normalization = normalization,
          .mask = mask,
          .weights = weights,
          .ignore_index = ignore_index.value_or(ignore_nothing)};
}

ROLEWISE_INLINE dataset subset(const dataset& whole, const torch::Tensor& places)
{
  auto part = whole;
  for (auto* each : {&part.inputs, &part.labels, &part.ids}) *each = each->index_select(0, places);
  for (auto* each : {&part.mask, &part.weights})
    if (each->defined()) *each = each->index_select(0, places);
  return part;
}

ROLEWISE_INLINE std::uint64_t dataset::fingerprint() const
{
  checksum sum;
  for (const auto* t : {&inputs, &labels, &ids}) sum.add(*t);
  for (const auto* values : {&normalization.mean, &normalization.std}) {
    sum.add(std::uint64_t{values->size()});
    for (const double value : *values) sum.add(std::bit_cast<std::uint64_t>(value));
  }
  if (mask.defined() || weights.defined() || ignore_index) {
    sum.add(mask);
    sum.add(weights);
    sum.add(std::bit_cast<std::uint64_t>(ignore_index.value_or(ignore_nothing)));
  }
  return sum.value();
}

ROLEWISE_INLINE gathered_batches dataset::epoch(const batch_options& options) const
{
  auto order = options.shuffle
                   ? permutation(options.seed.split(purpose{"order"}), options.epoch, size())
                   : std::vector<std::int64_t>(static_cast<std::size_t>(size()));
  if (!options.shuffle) std::iota(order.begin(), order.end(), std::int64_t{0});
  return {examples(), std::move(order), options.size};
}

}  // namespace rolewise
