// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/random_resized_crop.hpp>.

#include <rolewise/agent/random_resized_crop.hpp>

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/detail/require_setting.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>

namespace rolewise {

ROLEWISE_INLINE batch random_resized_crop::operator()(const batch& examples,
                                                      const training_progress& progress,
                                                      seed key) const
{
  require_images(name, examples);
  return detail::planned_view(
      [&](const image_subjects& subjects, image_program& program) {
        plan(subjects, progress, key, program);
      },
      examples);
}

ROLEWISE_INLINE void random_resized_crop::plan(const image_subjects& subjects,
                                               const training_progress& progress, seed key,
                                               image_program& program) const
{
  constexpr std::int64_t most = 1 << 14;
  if (height < 0 || height > most)
    throw_invalid_argument(name, "height is ", height, ", want 0 .. ", most);
  if (width < 0 || width > most)
    throw_invalid_argument(name, "width is ", width, ", want 0 .. ", most);
  detail::require_scale(name, scale);
  detail::require_ratio(name, ratio);
  const auto own = key.split(purpose{"random-resized-crop"});
  const auto boxes = program.add_resizes(
      {height == 0 ? subjects.height : height, width == 0 ? subjects.width : width, interpolation});
  for (std::size_t n = 0; n < subjects.size(); ++n)
    boxes[n] = box(draws{own, progress.epoch, subjects.ids[n]}, subjects.height, subjects.width);
}

ROLEWISE_INLINE image_box random_resized_crop::box(const draws& of_image, std::int64_t rows,
                                                   std::int64_t columns) const
{
  constexpr std::uint64_t tries = 10;
  const double area = static_cast<double>(rows) * static_cast<double>(columns);
  const double low = std::log(ratio[0]), high = std::log(ratio[1]);
  for (std::uint64_t i = 0; i < tries; ++i) {
    const double shown = area * of_image.uniform(4 * i, scale[0], scale[1]);
    const double aspect = std::exp(of_image.uniform(4 * i + 1, low, high));
    const double w = std::nearbyint(std::sqrt(shown * aspect));
    const double h = std::nearbyint(std::sqrt(shown / aspect));
    if (!(w >= 1.0 && w <= static_cast<double>(columns) && h >= 1.0 &&
          h <= static_cast<double>(rows)))
      continue;
    const auto down = static_cast<std::int64_t>(h), across = static_cast<std::int64_t>(w);
    return box_at(of_image.below(4 * i + 2, rows - down + 1),
                  of_image.below(4 * i + 3, columns - across + 1), down, across);
  }
  return middle(rows, columns);
}

ROLEWISE_INLINE image_box random_resized_crop::middle(std::int64_t rows, std::int64_t columns) const
{
  const double h = static_cast<double>(rows), w = static_cast<double>(columns);
  auto down = rows, across = columns;
  if (w / h < ratio[0])
    down = std::max<std::int64_t>(static_cast<std::int64_t>(std::nearbyint(w / ratio[0])), 1);
  else if (w / h > ratio[1])
    across = std::max<std::int64_t>(static_cast<std::int64_t>(std::nearbyint(h * ratio[1])), 1);
  return box_at((rows - down) / 2, (columns - across) / 2, down, across);
}

ROLEWISE_INLINE image_box random_resized_crop::box_at(std::int64_t top, std::int64_t left,
                                                      std::int64_t rows, std::int64_t columns)
{
  return {static_cast<float>(left), static_cast<float>(top), static_cast<float>(left + columns),
          static_cast<float>(top + rows)};
}

}  // namespace rolewise
