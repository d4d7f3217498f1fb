// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/uniform_augment.hpp>.

#include <rolewise/agent/uniform_augment.hpp>

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>

namespace rolewise {

ROLEWISE_INLINE double uniform_parameter(operation what, double strength, std::int64_t height,
                                         std::int64_t width)
{
  const auto along = [&](std::int64_t side) {
    return std::trunc(0.45 * strength * static_cast<double>(side));
  };
  if (is_enhancer(what)) return 0.1 + 1.8 * strength;
  switch (what) {
    case operation::rotate:
      return 30.0 * strength;
    case operation::shear_x:
    case operation::shear_y:
      return 0.3 * strength;
    case operation::translate_x:
      return along(width);
    case operation::translate_y:
      return along(height);
    case operation::posterize:
      return 4.0 + std::trunc(4.0 * strength);
    case operation::solarize:
      return std::ceil(256.0 * strength);
    case operation::cutout:
      return std::floor(0.1 * strength * static_cast<double>(std::min(height, width)) + 0.5);
    default:
      return 0.0;
  }
}

ROLEWISE_INLINE batch uniform_augment::operator()(const batch& examples,
                                                  const training_progress& progress, seed key) const
{
  require_images(name, examples);
  return detail::planned_view(
      [&](const image_subjects& subjects, image_program& program) {
        plan(subjects, progress, key, program);
      },
      examples);
}

ROLEWISE_INLINE void uniform_augment::plan(const image_subjects& subjects,
                                           const training_progress& progress, seed key,
                                           image_program& program) const
{
  if (operations < 0)
    throw_invalid_argument(name, "operations is ", operations, ", want at least 0");
  const auto own = key.split(purpose{"uniform-augment"});
  const auto count = static_cast<std::size_t>(operations);
  const auto steps = program.add_operations(count);
  for (std::size_t n = 0; n < subjects.size(); ++n) {
    const draws of_image{own, progress.epoch, subjects.ids[n]};
    for (std::size_t step = 0; step < count; ++step)
      steps[step * subjects.size() + n] = drawn(of_image, 6 * step, subjects);
  }
  program.add_fill();
}

ROLEWISE_INLINE image_step uniform_augment::drawn(const draws& of_image, std::uint64_t first,
                                                  const image_subjects& subjects)
{
  if (!of_image.coin(first)) return {};
  const auto what = static_cast<operation>(of_image.below(first + 1, policy_operations));
  const auto value =
      uniform_parameter(what, of_image.uniform(first + 2), subjects.height, subjects.width);
  return {what, has_sign(what) && of_image.coin(first + 3) ? -value : value,
          of_image.below(first + 4, subjects.height), of_image.below(first + 5, subjects.width)};
}

}  // namespace rolewise
