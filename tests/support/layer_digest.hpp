// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A digest of the results of the kernels for resizing and hue; without LibTorch, so that a program
/// with any compiler flags can check it.

#include <rolewise/agent/image_layers.hpp>

#include <cstdint>
#include <vector>

namespace rolewise::tests {

/// The digest of the reference implementation; image_layers_test.cpp computes it.
inline constexpr std::uint32_t layer_digest = 0x4C2E4B9B;

struct layer_digest_case {
  image_box box;
  image_size to;
};

/// Boxes of an image of `digest_height` x `digest_width`, exact in any floating-point arithmetic.
inline std::vector<layer_digest_case> layer_digest_cases()
{
  std::vector<layer_digest_case> cases;
  for (const auto by : {resampling::nearest, resampling::bilinear, resampling::bicubic})
    for (int i = 0; i < 12; ++i) {
      const auto t = static_cast<float>(i);
      cases.push_back({{0.359375F * t, 0.53125F * t, 21.0F - 0.703125F * t, 33.0F - 1.140625F * t},
                       {5 + 4 * i, 50 - 3 * i, by}});
    }
  return cases;
}

}  // namespace rolewise::tests
