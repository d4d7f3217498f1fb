// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `relabeled` functions: map labels to 0 .. K - 1 without gaps.

#include <rolewise/data/dataset.hpp>
#include <rolewise/support/inline.hpp>

#include <ATen/ops/_unique2.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace rolewise {

namespace detail {

/// The labels that occur, ascending, `[K]`, int64.
[[nodiscard]] inline torch::Tensor labels_in(const torch::Tensor& labels)
{
  return std::get<0>(at::_unique2(labels));
}

/// Advice for messages about labels that do not fit the number of classes: names `relabeled` if
/// it is a remedy; otherwise empty.
[[nodiscard]] ROLEWISE_INLINE std::string relabeling_advice(const torch::Tensor& labels,
                                                            std::int64_t classes);

[[nodiscard]] ROLEWISE_INLINE std::vector<std::string> relabeled_names(
    const std::vector<std::string>& names, const torch::Tensor& known);

/// Maps the labels of a part to their places in `known`.
/// @param known the labels that occur, ascending
ROLEWISE_INLINE void relabel(dataset& part, const torch::Tensor& known,
                             const std::vector<std::string>& names);

[[nodiscard]] ROLEWISE_INLINE torch::Tensor labels_to_keep(const dataset& examples);

}  // namespace detail

/// Maps the K labels that occur to 0 .. K - 1, in ascending order. For labels that begin at 1
/// (the letters of EMNIST) or have gaps, which would be classes without examples.
///
/// Class names stay with their labels: K names are taken in that order, more are indexed by
/// label; without names, labels that change are named by their numbers.
/// @throws std::invalid_argument without examples, for labels that are not int64 `[N]`, below 0
///         or beyond the names
[[nodiscard]] ROLEWISE_INLINE dataset relabeled(dataset examples);

/// Maps the labels of both parts by those that occur in `train`.
/// @throws std::invalid_argument as above, and for a label that occurs only in `test`
[[nodiscard]] ROLEWISE_INLINE dataset_splits relabeled(dataset_splits data);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/relabeled.hpp>
#endif
