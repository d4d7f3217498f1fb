// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The synthetic `glyphs` data set, which needs no files: each class is a glyph of a few strokes.

#include <rolewise/core/seed.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/data/detail/glyph_alphabet.hpp>
#include <rolewise/data/detail/glyph_drawing.hpp>
#include <rolewise/data/normalization_of.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/parallel_for.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise {

/// Options of `glyphs`.
struct glyph_options {
  std::int64_t classes = 10;  ///< 2 to 1000
  std::int64_t height = 16;   ///< at least 8
  std::int64_t width = 16;    ///< at least 8
  std::int64_t channels = 1;  ///< 1 (gray) or 3 (red, green, blue)
  std::int64_t train = 2000;  ///< training examples, at least one per class
  std::int64_t test = 1000;   ///< test examples; 0 for none
  rolewise::seed seed{0};     ///< of alphabet and images
};

namespace detail {

[[nodiscard]] ROLEWISE_INLINE dataset drawn_glyphs(const glyph_options& options,
                                                   const std::vector<glyph>& alphabet,
                                                   std::int64_t first, std::int64_t count);

}  // namespace detail

/// Generates images of invented glyphs. Each class is a few strokes on a grid of 3 x 3 joints;
/// each example draws them shifted, rotated, scaled, bent, thick or thin, light on dark or dark
/// on light, over a brightness ramp with stray strokes and noise. The polarity alone keeps a
/// linear model from classifying the pixels. No glyph is the mirror image of another, so flips
/// keep the label.
///
/// Training examples have the ids 0 .. train - 1, test examples the ids that follow. Classes
/// alternate, so both parts are balanced to within one example. `normalization` is that of the
/// training images.
///
/// @par Determinism
/// The glyph of a class is a function of (seed, class), an image one of (seed, class, id, shape),
/// for any number of threads.
/// @throws std::invalid_argument unless the options are in range
[[nodiscard]] ROLEWISE_INLINE dataset_splits glyphs(const glyph_options& options = {});

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/glyphs.hpp>
#endif
