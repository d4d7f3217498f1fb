// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/random_erasing.hpp>.

#include <rolewise/agent/random_erasing.hpp>

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/detail/require_setting.hpp>

#include <cmath>

namespace rolewise {

ROLEWISE_INLINE batch random_erasing::operator()(const batch& examples,
                                                 const training_progress& progress, seed key) const
{
  require_images(name, examples);
  return detail::planned_view(
      [&](const image_subjects& subjects, image_program& program) {
        plan(subjects, progress, key, program);
      },
      examples);
}

ROLEWISE_INLINE void random_erasing::plan(const image_subjects& subjects,
                                          const training_progress& progress, seed key,
                                          image_program& program) const
{
  detail::require_probability(name, probability);
  detail::require_scale(name, scale);
  detail::require_ratio(name, ratio);
  if (probability == 0.0) return;
  const auto own = key.split(purpose{"random-erasing"});
  const auto rectangles =
      program.add_rectangles({with, color, own.split(purpose{"noise"}), progress.epoch});
  for (std::size_t n = 0; n < subjects.size(); ++n) {
    const draws of_image{own, progress.epoch, subjects.ids[n]};
    if (of_image.uniform(0) >= probability) continue;
    rectangles[n] = rectangle(of_image, subjects.height, subjects.width);
    rectangles[n].id = subjects.ids[n];
  }
}

ROLEWISE_INLINE image_rectangle random_erasing::rectangle(const draws& of_image, std::int64_t rows,
                                                          std::int64_t columns) const
{
  constexpr std::uint64_t tries = 10;
  const double area = static_cast<double>(rows) * static_cast<double>(columns);
  const double low = std::log(ratio[0]), high = std::log(ratio[1]);
  for (std::uint64_t i = 1; i <= tries; ++i) {
    const double erased = area * of_image.uniform(4 * i, scale[0], scale[1]);
    const double aspect = std::exp(of_image.uniform(4 * i + 1, low, high));
    const double h = std::nearbyint(std::sqrt(erased * aspect));
    const double w = std::nearbyint(std::sqrt(erased / aspect));
    if (!(w >= 1.0 && w < static_cast<double>(columns) && h >= 1.0 &&
          h < static_cast<double>(rows)))
      continue;
    const auto down = static_cast<std::int64_t>(h), across = static_cast<std::int64_t>(w);
    return {of_image.below(4 * i + 2, rows - down + 1),
            of_image.below(4 * i + 3, columns - across + 1), down, across};
  }
  return {};
}

}  // namespace rolewise
