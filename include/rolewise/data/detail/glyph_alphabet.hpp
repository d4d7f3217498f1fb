// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The glyph of each class of the synthetic `glyphs` data set.

#include <rolewise/core/draws.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Joints of glyphs: a 3 x 3 grid, numbered by row. Strokes connect neighbors, diagonal ones too.
inline constexpr int glyph_joints = 9;
inline constexpr int glyph_strokes = 20;

[[nodiscard]] constexpr std::array<std::pair<int, int>, glyph_strokes> make_glyph_strokes()
{
  std::array<std::pair<int, int>, glyph_strokes> result{};
  std::size_t count = 0;
  for (int a = 0; a < glyph_joints; ++a)
    for (int b = a + 1; b < glyph_joints; ++b) {
      const int down = b / 3 - a / 3, right = b % 3 - a % 3;
      if (down <= 1 && right >= -1 && right <= 1) result[count++] = {a, b};
    }
  return result;
}

inline constexpr auto strokes_of_glyphs = make_glyph_strokes();

/// A glyph as a bit mask: bit i is set if stroke i is drawn.
using glyph = std::uint32_t;

[[nodiscard]] constexpr glyph mirrored_glyph(glyph shape)
{
  const auto across = [](int joint) { return joint - joint % 3 + 2 - joint % 3; };
  glyph result = 0;
  for (std::size_t i = 0; i < glyph_strokes; ++i) {
    if ((shape >> i & 1U) == 0) continue;
    const int a = across(strokes_of_glyphs[i].first), b = across(strokes_of_glyphs[i].second);
    for (std::size_t j = 0; j < glyph_strokes; ++j)
      if (strokes_of_glyphs[j] == std::pair{a, b} || strokes_of_glyphs[j] == std::pair{b, a})
        result |= glyph{1} << j;
  }
  return result;
}

/// Number of strokes in which two glyphs differ, with the second one mirrored or not, whichever
/// is less.
[[nodiscard]] constexpr int glyph_distance(glyph a, glyph b, glyph mirrored_b)
{
  const int plain = std::popcount(a ^ b), flipped = std::popcount(a ^ mirrored_b);
  return plain < flipped ? plain : flipped;
}

/// Draws a random glyph: a walk of four to six strokes over the joints that uses no stroke twice.
/// Returns 0 if the walk ends early or misses an outer row or column (the glyph could be taken
/// for a shifted one).
[[nodiscard]] constexpr glyph drawn_glyph(const draws& random)
{
  auto joint = static_cast<int>(random.below(0, glyph_joints));
  const auto length = static_cast<std::uint64_t>(4 + random.below(1, 3));
  glyph shape = 0;
  unsigned rows = 1U << (joint / 3), columns = 1U << (joint % 3);
  for (std::uint64_t step = 0; step < length; ++step) {
    std::array<std::size_t, 8> open{};
    std::size_t ways = 0;
    for (std::size_t i = 0; i < glyph_strokes; ++i)
      if ((shape >> i & 1U) == 0 &&
          (strokes_of_glyphs[i].first == joint || strokes_of_glyphs[i].second == joint))
        open[ways++] = i;
    if (ways == 0) return 0;
    const auto way =
        open[static_cast<std::size_t>(random.below(2 + step, static_cast<std::int64_t>(ways)))];
    shape |= glyph{1} << way;
    joint = strokes_of_glyphs[way].first == joint ? strokes_of_glyphs[way].second
                                                  : strokes_of_glyphs[way].first;
    rows |= 1U << (joint / 3);
    columns |= 1U << (joint % 3);
  }
  return (rows & columns) == 7U ? shape : 0;
}

/// Returns glyphs that are as far apart as a greedy search finds them. The glyph of class c does
/// not depend on the number of classes; no glyph is the mirror image of another.
[[nodiscard]] ROLEWISE_INLINE std::vector<glyph> glyph_alphabet(seed key, std::int64_t classes);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/detail/implementation/glyph_alphabet.hpp>
#endif
