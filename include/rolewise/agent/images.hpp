// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `images` type, a batch of images with a coverage mask, and the color that fills holes.

#include <rolewise/agent/label_maps.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise {

/// A batch of images with a mask of the pixels that still show the original.
///
/// A hole (a pixel from outside the original after a geometric operation, or cut out) keeps the
/// color that the operation left there: later operations compute with it, and `filled` paints it
/// over at the end.
struct images {
  /// `[N, C, H, W]`, uint8, C = 1 (gray) or 3 (red, green, blue).
  torch::Tensor pixels;
  /// `[N, 1, H, W]`, bool: false in a hole. Undefined if there are no holes.
  torch::Tensor covered;

  [[nodiscard]] std::int64_t size() const { return pixels.size(0); }
};

/// Returns the mean of the data set as a color: `round(255 mean)`, C values; black if
/// `normalization` has no mean. It normalizes to (nearly) 0.
/// @throws std::invalid_argument unless `normalization` has C means or none
[[nodiscard]] ROLEWISE_INLINE std::vector<std::uint8_t> mean_color(
    const normalization& normalization, std::int64_t channels);

/// Returns a color as a tensor `[1, C, 1, 1]`, uint8, on a device.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor as_pixel(const std::vector<std::uint8_t>& color,
                                                     torch::Device device);

/// Returns the pixels `[N, C, H, W]` with every hole painted in the given color.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor filled(const images& from,
                                                   const std::vector<std::uint8_t>& color);

/// Throws unless a batch is valid for image agents: inputs `uint8 [N, C, H, W]` with C = 1 or 3,
/// int64 ids `[N]`, a normalization of C channels (or none), and labels that are one for each
/// example or maps of the size of the images. N may be 0.
/// @throws std::invalid_argument whose message begins with `who`
ROLEWISE_INLINE void require_images(std::string_view who, const batch& examples);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/images.hpp>
#endif
