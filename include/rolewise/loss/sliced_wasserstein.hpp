// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The sliced Wasserstein distance between the colors of two batches of images.

#include <rolewise/core/seed.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

/// Random directions of length 1 in a space of C channels: `[count, C]`, float, on the CPU, a
/// function of (seed, epoch, step).
/// @throws std::invalid_argument for a count or a number of channels below 1
[[nodiscard]] ROLEWISE_INLINE torch::Tensor random_directions(seed key, std::int64_t epoch,
                                                              std::int64_t step, std::int64_t count,
                                                              std::int64_t channels);

/// How far apart two batches of images are as distributions of colors, at each pixel position: the
/// mean over directions w, pixel positions and ranks of
///
///     (sorted over the batch of <w, a> - sorted over the batch of <w, b>)^2
///
/// 0 where one batch is a permutation of the other, so that it does not keep an image as it is, but
/// the colors of all images together.
///
/// @param a, b `[N, C, H, W]`, floating point, of the same sizes
/// @param directions `[D, C]`
/// @return `[]`; 0 for an empty batch
/// @par Gradients
/// To a and b. Where values tie, those of one of the orders.
/// @throws std::invalid_argument for other sizes
/// @par Source
/// Suzuki: TeachAugment: Data Augmentation Optimization Using Teacher Knowledge, 2022,
/// arXiv:2202.12513, code at 66ec099; the distance: Bonneel, Rabin, Peyré, Pfister: Sliced and
/// Radon Wasserstein Barycenters of Measures, Journal of Mathematical Imaging and Vision 51, 2015.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor sliced_wasserstein(const torch::Tensor& a,
                                                               const torch::Tensor& b,
                                                               const torch::Tensor& directions);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/sliced_wasserstein.hpp>
#endif
