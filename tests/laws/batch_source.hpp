// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of BatchSource that no compiler can check.

#include "doctest.hpp"

#include <rolewise/core/batch.hpp>
#include <rolewise/data/batch_options.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batch_source_reference.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

namespace rolewise::laws {

namespace detail {

inline bool same(const torch::Tensor& a, const torch::Tensor& b)
{
  return a.defined() == b.defined() && (!a.defined() || torch::equal(a, b));
}

inline bool same(const batch& a, const batch& b)
{
  return same(a.inputs, b.inputs) && same(a.labels, b.labels) && same(a.ids, b.ids) &&
         same(a.mask, b.mask) && same(a.weights, b.weights) && a.normalization == b.normalization &&
         a.ignore_index == b.ignore_index;
}

}  // namespace detail

/// @param options of an epoch with two batches or more
template<BatchSource Source>
void hold_for(const Source& source, const batch_options& options)
{
  const auto steps = batch_count(source, options);
  REQUIRE(steps >= 2);
  const auto place = [](std::int64_t step) { return static_cast<std::size_t>(step); };

  std::optional<Source> original{source};
  const epoch_batches epoch = original->epoch(options);
  original.reset();  // what is left outlives it
  std::vector<batch> want;
  batch_memory memory;
  std::int64_t examples = 0;
  for (std::int64_t step = 0; step < steps; ++step) {
    want.push_back(epoch(step, memory));
    const auto& each = want.back();
    examples += each.size();
    CHECK(each.size() >= 1);
    REQUIRE(each.ids.defined());
    CHECK((each.ids.scalar_type() == torch::kLong));
    CHECK(each.ids.is_cpu());
    CHECK(each.ids.sizes() == at::IntArrayRef{each.size()});
    CHECK(each.inputs.sizes().slice(1).vec() == batch_source_reference{source}.shape().sizes());
    if (!counts_batches<Source>() && step + 1 < steps) CHECK(each.size() == options.size);
  }
  if (!counts_batches<Source>() && !options.drop_last) CHECK(examples == source.size());

  // In any order, also from a copy and from a second epoch function; what was returned stays.
  std::vector<batch> copies;
  for (const auto& each : want) {
    copies.push_back(each);
    copies.back().inputs = each.inputs.clone();
  }
  const auto again = Source{source}.epoch(options);
  for (auto step = steps - 1; step >= 0; --step)
    CHECK(detail::same(again(step, memory), copies[place(step)]));
  for (std::size_t i = 0; i < want.size(); ++i) CHECK(detail::same(want[i], copies[i]));

  // In several threads.
  std::vector<batch> made(want.size());
  std::vector<std::thread> threads;
  for (std::int64_t first = 0; first < 2; ++first)
    threads.emplace_back([&, first] {
      batch_memory own;
      for (auto step = first; step < steps; step += 2) made[place(step)] = epoch(step, own);
    });
  for (auto& each : threads) each.join();
  for (std::size_t i = 0; i < want.size(); ++i) CHECK(detail::same(made[i], want[i]));

  // The other options change nothing.
  auto other = options;
  other.prefetch = !options.prefetch;
  other.first_step = 1;
  CHECK(detail::same(source.epoch(other)(1, memory), want[1]));
  other.epoch = options.epoch + 1;
  CHECK(batch_count(source, other) == steps);
  CHECK(Source{source}.fingerprint() == source.fingerprint());
}

}  // namespace rolewise::laws
