// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/detail/glyph_drawing.hpp>.

#include <rolewise/data/detail/glyph_drawing.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace rolewise::detail {

ROLEWISE_INLINE double ink_coverage(const glyph_stroke& s, glyph_point p)
{
  const double dx = s.to.x - s.from.x, dy = s.to.y - s.from.y;
  const double length = dx * dx + dy * dy;
  const double along =
      length > 0 ? std::clamp(((p.x - s.from.x) * dx + (p.y - s.from.y) * dy) / length, 0.0, 1.0)
                 : 0.0;
  const double away = std::hypot(p.x - s.from.x - along * dx, p.y - s.from.y - along * dy);
  return std::clamp(s.half_width + 0.5 - away, 0.0, 1.0);
}

ROLEWISE_INLINE double ink_coverage(const std::vector<glyph_stroke>& strokes, glyph_point p)
{
  double most = 0;
  for (const auto& s : strokes) most = std::max(most, ink_coverage(s, p));
  return most;
}

ROLEWISE_INLINE void draw_glyph(glyph shape, seed key, std::int64_t id, const sample_shape& size,
                                std::uint8_t* out)
{
  const draws random{key.split(purpose{"look"}), 0, id};
  std::uint64_t next = 0;
  const auto uniform = [&](double low, double high) { return random.uniform(next++, low, high); };

  const auto height = static_cast<double>(size.height), width = static_cast<double>(size.width);
  const double side = std::min(height, width);
  const double angle = uniform(-1, 1) * std::numbers::pi * 15 / 180;
  const double scale = side * uniform(0.27, 0.37);
  const glyph_point center{width / 2 + side * uniform(-0.08, 0.08),
                           height / 2 + side * uniform(-0.08, 0.08)};
  const double half_width = side * uniform(0.03, 0.06);
  const double sine = std::sin(angle), cosine = std::cos(angle);

  std::array<glyph_point, glyph_joints> joints{};
  for (int j = 0; j < glyph_joints; ++j) {
    const double x = scale * (j % 3 - 1 + uniform(-0.12, 0.12));
    const double y = scale * (j / 3 - 1 + uniform(-0.12, 0.12));
    joints[static_cast<std::size_t>(j)] = {center.x + cosine * x - sine * y,
                                           center.y + sine * x + cosine * y};
  }
  std::vector<glyph_stroke> ink, stray;
  for (std::size_t i = 0; i < glyph_strokes; ++i)
    if ((shape >> i & 1U) != 0)
      ink.push_back({joints[static_cast<std::size_t>(strokes_of_glyphs[i].first)],
                     joints[static_cast<std::size_t>(strokes_of_glyphs[i].second)], half_width});
  for (int i = 0; i < 2; ++i) {
    const glyph_point from{width * uniform(0, 1), height * uniform(0, 1)};
    const double direction = uniform(0, 2 * std::numbers::pi), length = side * uniform(0.1, 0.25);
    stray.push_back({from,
                     {from.x + length * std::cos(direction), from.y + length * std::sin(direction)},
                     half_width});
  }

  const double sign = uniform(0, 1) < 0.5 ? -1 : 1;
  const double contrast = uniform(0.3, 0.65), stray_contrast = contrast * uniform(-1, 1);
  const double ground = 0.5 - sign * uniform(0.05, 0.35);
  const double slope = uniform(-0.3, 0.3), slope_angle = uniform(0, 2 * std::numbers::pi);
  const double noise = uniform(0.02, 0.08);

  const draws grain{key.split(purpose{"grain"}), 0, id};
  std::uint64_t pixel = 0;
  for (std::int64_t c = 0; c < size.channels; ++c) {
    const double tint = size.channels == 1 ? 0 : uniform(-0.15, 0.15);
    const double strength = size.channels == 1 ? 1 : uniform(0.4, 1.0);
    for (std::int64_t row = 0; row < size.height; ++row)
      for (std::int64_t column = 0; column < size.width; ++column) {
        const glyph_point p{static_cast<double>(column) + 0.5, static_cast<double>(row) + 0.5};
        const double slant = ((p.x - width / 2) * std::cos(slope_angle) +
                              (p.y - height / 2) * std::sin(slope_angle)) /
                             side;
        const double covered = ink_coverage(ink, p);
        const double value = ground + tint + slope * slant +
                             strength * (sign * contrast * covered +
                                         stray_contrast * (1 - covered) * ink_coverage(stray, p)) +
                             noise * grain.normal(pixel++);
        *out++ = static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 1.0) * 255.0));
      }
  }
}

}  // namespace rolewise::detail
