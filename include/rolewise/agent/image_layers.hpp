// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What layers of an image program beside operations and windows say about an image.

#include <rolewise/agent/resampling.hpp>
#include <rolewise/core/seed.hpp>

#include <array>
#include <cstdint>

namespace rolewise {

/// The part of an image that a resize shows. **Units**: pixels, in parts too; the pixel (x, y)
/// covers columns x .. x + 1 and rows y .. y + 1.
/// @pre `0 <= left < right <= W` and `0 <= top < bottom <= H`
struct image_box {
  float left = 0;
  float top = 0;
  float right = 0;
  float bottom = 0;

  friend bool operator==(const image_box&, const image_box&) = default;
};

/// What all images of a batch become in a layer of resizes.
struct image_size {
  std::int64_t height = 0;
  std::int64_t width = 0;
  resampling by = resampling::bilinear;

  friend bool operator==(const image_size&, const image_size&) = default;
};

/// A part of an image that is painted over, whole pixels; none where `height` or `width` is 0. `id`
/// is that of the image, for noise.
/// @pre it lies within the image
struct image_rectangle {
  std::int64_t top = 0;
  std::int64_t left = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t id = 0;

  friend bool operator==(const image_rectangle&, const image_rectangle&) = default;
};

/// What rectangles are painted with: the mean colour of the data set, one colour (grey images take
/// its first value), or a random byte for each value.
///
/// The byte of `noise` at channel c, row y and column x is number `p = (c H + y) W + x`: byte p %
/// 4, the lowest first, of `draws{key, epoch, id}.bits(p / 4)`.
struct image_paint {
  enum class kind : std::uint8_t { mean_colour, colour, noise };

  kind with = kind::mean_colour;
  std::array<std::uint8_t, 3> colour{};
  seed key{};
  std::int64_t epoch = 0;

  friend bool operator==(const image_paint&, const image_paint&) = default;
};

/// A turn of the hues of an image: by / 255 of the circle. An image that is `turned` by 0 goes
/// through the rounding of hue, saturation and value all the same.
struct image_hue {
  bool turned = false;
  std::uint8_t by = 0;

  friend bool operator==(const image_hue&, const image_hue&) = default;
};

}  // namespace rolewise
