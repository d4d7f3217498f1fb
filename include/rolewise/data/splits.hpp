// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Stratified splits and subsets of a data set.

#include <rolewise/core/draws.hpp>
#include <rolewise/core/fraction.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/data/relabeled.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// A data set split into two parts that share no example.
struct split_dataset {
  dataset train;
  dataset validation;
};

namespace detail {

/// Returns the places of each class's examples, shuffled by keys of (seed, id), independent of
/// the order of the data set and of other examples.
[[nodiscard]] ROLEWISE_INLINE std::vector<std::vector<std::int64_t>> shuffled_classes(
    const char* who, const dataset& whole, seed key);

[[nodiscard]] inline dataset subset_in_order(const dataset& whole, std::vector<std::int64_t> places)
{
  std::sort(places.begin(), places.end());
  return subset(whole, at::tensor(places, torch::kLong));
}

}  // namespace detail

/// Holds out a share of the examples, stratified by class. Each class meets the share to within
/// one example, the total to within half an example (largest remainders, ties to the lower
/// class). Both parts keep the order and the ids of the whole; together they are the whole.
///
/// The parts do not leak: no id is in both. The same image under two ids is not detected.
///
/// @par Determinism
/// The held-out examples depend on the seed and on ids and labels, not on their order.
/// @throws std::invalid_argument for an empty data set or class (`relabeled` fixes labels with
///         gaps), labels out of range, an id that occurs twice, and a share that leaves a class
///         without examples in one of the parts
[[nodiscard]] ROLEWISE_INLINE split_dataset stratified_split(const dataset& whole,
                                                             fraction held_out, seed key);

/// Returns `count` examples, every class equally often to within one (the lower classes get the
/// rest), in the order of the whole. A larger subset with the same seed contains every smaller
/// one.
///
/// @par Determinism
/// As `stratified_split`.
/// @throws std::invalid_argument as `stratified_split`, for fewer than one example a class, and
///         where a class has too few
[[nodiscard]] ROLEWISE_INLINE dataset stratified_subset(const dataset& whole, std::int64_t count,
                                                        seed key);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/splits.hpp>
#endif
