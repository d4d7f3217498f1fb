// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Per-image parameters of the layers of an `image_program` other than operations and windows.

#include <rolewise/agent/resampling.hpp>
#include <rolewise/core/seed.hpp>

#include <array>
#include <cstdint>

namespace rolewise {

/// The source box of a resize. **Units**: pixels, fractions allowed; the pixel (x, y) covers
/// columns x .. x + 1 and rows y .. y + 1.
/// @pre `0 <= left < right <= W` and `0 <= top < bottom <= H`
struct image_box {
  float left = 0;
  float top = 0;
  float right = 0;
  float bottom = 0;

  friend bool operator==(const image_box&, const image_box&) = default;
};

/// Target size and filter of a layer of resizes, common to all images of a batch.
struct image_size {
  std::int64_t height = 0;
  std::int64_t width = 0;
  resampling by = resampling::bilinear;

  friend bool operator==(const image_size&, const image_size&) = default;
};

/// A rectangle of whole pixels that is painted over; empty if `height` or `width` is 0. `id` is
/// that of the image and keys its noise.
/// @pre it lies within the image
struct image_rectangle {
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t id = 0;

  friend bool operator==(const image_rectangle&, const image_rectangle&) = default;
};

/// The fill of rectangles: the mean color of the data set, one color (gray images use its first
/// value), or a random byte for each value.
///
/// The byte of `noise` at channel c, row y and column x is number `p = (c H + y) W + x`: byte p %
/// 4, lowest first, of `draws{key, epoch, id}.bits(p / 4)`.
struct image_paint {
  enum class kind : std::uint8_t { mean_color, color, noise };

  kind with = kind::mean_color;
  std::array<std::uint8_t, 3> color{};
  seed key{};
  std::int64_t epoch = 0;

  friend bool operator==(const image_paint&, const image_paint&) = default;
};

/// A hue rotation of an image by `by` / 255 of the circle. With `turned` and 0, the image still
/// goes through the rounding of hue, saturation and value.
struct image_hue {
  bool turned = false;
  std::uint8_t by = 0;

  friend bool operator==(const image_hue&, const image_hue&) = default;
};

}  // namespace rolewise
