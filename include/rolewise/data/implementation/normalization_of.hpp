// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/normalization_of.hpp>.

#include <rolewise/data/normalization_of.hpp>
#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise {

ROLEWISE_INLINE normalization normalization_of(const torch::Tensor& images)
{
  if (!images.defined() || images.dim() != 4 || images.scalar_type() != torch::kByte ||
      images.numel() == 0)
    throw_invalid_argument("normalization_of", "want images [N, C, H, W] of uint8, at least one");
  normalization result;
  for (std::int64_t channel = 0; channel < images.size(1); ++channel) {
    const auto counts =
        images.select(1, channel).reshape({-1}).bincount({}, 256).to(torch::kCPU).contiguous();
    const auto* count = counts.const_data_ptr<std::int64_t>();
    double pixels = 0, sum = 0, squares = 0;
    for (int value = 0; value < 256; ++value) {
      const auto here = static_cast<double>(count[value]);
      pixels += here;
      sum += here * value;
      squares += here * value * value;
    }
    const double mean = sum / pixels;
    const double variance = squares / pixels - mean * mean;
    result.mean.push_back(mean / 255.0);
    result.std.push_back(variance > 1e-9 ? std::sqrt(variance) / 255.0 : 1.0);
  }
  return result;
}

}  // namespace rolewise
