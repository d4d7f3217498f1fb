// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Per-channel mean and standard deviation of images, independent of summation order.

#include <rolewise/core/batch.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>

namespace rolewise {

/// The normalization that gives the images mean 0 and standard deviation 1 in every channel.
///
/// A constant channel gets the deviation 1, because there is nothing to scale.
///
/// **Units**: of pixels divided by 255.
/// @param images `[N, C, H, W]`, uint8, N above 0
/// @par Determinism
/// Pixel values are counted in a histogram, so the result does not depend on any order of
/// summation.
[[nodiscard]] ROLEWISE_INLINE normalization normalization_of(const torch::Tensor& images);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/normalization_of.hpp>
#endif
