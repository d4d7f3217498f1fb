// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/module.hpp>.

#include <rolewise/network/module.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE batch example_of_zeros(const sample_shape& shape, torch::ScalarType floating,
                                       torch::Device device)
{
  auto sizes = shape.sizes();
  sizes.insert(sizes.begin(), 1);
  const auto type = shape.kind == sample_kind::image    ? torch::kByte
                    : shape.kind == sample_kind::tokens ? torch::kLong
                                                        : floating;
  batch example;
  example.inputs = at::zeros(sizes, torch::TensorOptions{}.dtype(type).device(device));
  example.labels = at::zeros({1}, torch::TensorOptions{}.dtype(torch::kLong).device(device));
  example.ids = at::zeros({1}, torch::kLong);
  return example;
}

}  // namespace rolewise::detail
