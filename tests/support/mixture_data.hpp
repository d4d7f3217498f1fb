// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Classes that are mixtures of Gaussians, for trends that show in seconds.

#include <rolewise/core/draws.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/dataset.hpp>

#include <torch/types.h>

#include <cstdint>
#include <numbers>

namespace rolewise::testing {

/// Standard normal numbers, a function of the seed.
inline torch::Tensor normal_numbers(seed key, std::int64_t rows, std::int64_t columns)
{
  const auto uniform = [&](const char* which) {
    return uniform_draws(key.split(purpose{which}), 0, torch::arange(rows), columns);
  };
  return (-2 * (1 - uniform("radius")).log()).sqrt() *
         (2 * std::numbers::pi * uniform("angle")).cos();
}

/// Examples of 16 numbers in 10 classes. Each class has three centers, the same for all keys,
/// normal numbers times `apart`; around its center an example is standard normal.
inline dataset mixture_data(std::int64_t count, double apart, seed key)
{
  constexpr std::int64_t classes = 10, centers = 3, size = 16;
  dataset data;
  data.shape = {.channels = 1, .height = 1, .width = size, .classes = classes};
  data.ids = torch::arange(count);
  data.labels = data.ids.remainder(classes);
  const auto which = data.labels * centers + data.ids.div(classes, "floor").remainder(centers);
  data.inputs = (normal_numbers(seed{99}, classes * centers, size).index_select(0, which) * apart +
                 normal_numbers(key, count, size))
                    .view({count, 1, 1, size});
  return data;
}

}  // namespace rolewise::testing
