// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/detail/joined.hpp>.

#include <rolewise/data/detail/joined.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE dataset_splits joined(dataset train, dataset test, const std::string& name,
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
