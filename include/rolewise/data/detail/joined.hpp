// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Joins a training and a test part that were read into `dataset_splits`.

#include <rolewise/data/dataset.hpp>
#include <rolewise/data/normalization_of.hpp>
#include <rolewise/support/inline.hpp>

#include <string>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Makes splits of two parts: ids number train, then test; `normalization` is computed from train;
/// both parts get the names.
[[nodiscard]] ROLEWISE_INLINE dataset_splits joined(dataset train, dataset test,
                                                    const std::string& name,
                                                    const std::vector<std::string>& class_names);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/detail/implementation/joined.hpp>
#endif
