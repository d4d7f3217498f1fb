// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Images of noise, for runs of milliseconds.

#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/data/dataset.hpp>

#include <torch/types.h>

#include <cstdint>

namespace rolewise::testing {

inline constexpr sample_shape noise_shape{.channels = 3, .height = 8, .width = 8, .classes = 4};

/// So many images of `noise_shape`, each class as often, with the ids 0 .. count - 1.
[[nodiscard]] inline dataset noise_images(std::int64_t count)
{
  dataset data;
  data.shape = noise_shape;
  data.name = "noise";
  data.inputs = (uniform_tensor({count, 3, 8, 8}, seed{1}, 127.0) + 128.0).to(torch::kByte);
  data.labels = torch::arange(count).remainder(noise_shape.classes);
  data.ids = torch::arange(count);
  return data;
}

}  // namespace rolewise::testing
