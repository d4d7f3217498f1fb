// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Rendering of one random image of a glyph.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/data/detail/glyph_alphabet.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail {

struct glyph_point {
  double x, y;
};

struct glyph_stroke {
  glyph_point from, to;
  double half_width;
};

/// Coverage of the pixel around `p` by a stroke, 0 to 1. **Units**: pixels.
[[nodiscard]] ROLEWISE_INLINE double ink_coverage(const glyph_stroke& s, glyph_point p);

[[nodiscard]] ROLEWISE_INLINE double ink_coverage(const std::vector<glyph_stroke>& strokes,
                                                  glyph_point p);

/// Renders one image `[C, H, W]`.
///
/// Constants are shares of the shorter side, or of the range of a pixel. Each joint of the glyph
/// is moved a little, then the glyph is rotated, scaled and shifted. The ink is lighter or darker
/// than the background with equal probability, so that the mean image of a class carries no
/// information about it. The background has a brightness ramp and stray strokes, at most as
/// strong as the ink. Noise is added last.
ROLEWISE_INLINE void draw_glyph(glyph shape, seed key, std::int64_t id, const sample_shape& size,
                                std::uint8_t* out);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/detail/implementation/glyph_drawing.hpp>
#endif
