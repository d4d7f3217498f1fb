// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Outputs that have penultimate features alone, for losses that read these.

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/taps.hpp>

#include <torch/types.h>

#include <cstdint>

namespace rolewise::testing {

inline outputs pooled_outputs(const torch::Tensor& features)
{
  outputs said;
  said.features.set(tap::penultimate, features);
  return said;
}

inline feature_shapes pooled_shape(std::int64_t size)
{
  feature_shapes shapes;
  shapes.set(tap::penultimate, {size});
  return shapes;
}

}  // namespace rolewise::testing
