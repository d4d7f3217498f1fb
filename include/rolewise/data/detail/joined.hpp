// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Joins a training and a test part that were read into `dataset_splits`.

#include <rolewise/data/dataset.hpp>
#include <rolewise/data/normalization_of.hpp>

#include <string>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Makes splits of two parts: ids number train, then test; `normalization` is computed from train;
/// both parts get the names.
[[nodiscard]] inline dataset_splits joined(dataset train, dataset test, const std::string& name,
                                           const std::vector<std::string>& class_names)
{
  train.ids = at::arange(train.size(), torch::kLong);
  test.ids = at::arange(train.size(), train.size() + test.size(), torch::kLong);
  train.normalization = test.normalization = rolewise::normalization_of(train.inputs);
  train.name = test.name = name;
  train.class_names = test.class_names = class_names;
  const auto shape = train.shape;
  return {std::move(train), std::move(test), shape};
}

}  // namespace rolewise::detail
