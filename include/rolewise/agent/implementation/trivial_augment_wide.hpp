// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/trivial_augment_wide.hpp>.

#include <rolewise/agent/trivial_augment_wide.hpp>

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/detail/strength.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE double wide_parameter(operation what, std::int64_t level)
{
  if (level < 0 || level > 30)
    throw_invalid_argument("wide_parameter", "level is ", level, ", want 0 .. 30");
  const auto l = static_cast<double>(level);
  if (is_enhancer(what)) return 0.01 + 1.99 * l / 30.0;
  switch (what) {
    case operation::rotate:
      return static_cast<double>(135 * level / 30);
    case operation::shear_x:
    case operation::shear_y:
      return 0.99 * l / 30.0;
    case operation::translate_x:
    case operation::translate_y:
      return static_cast<double>(32 * level / 30);
    case operation::posterize:
      return static_cast<double>(8 - 6 * level / 30);
    case operation::solarize:
      return static_cast<double>(256 - 256 * level / 30);
    default:
      return 0.0;
  }
}

ROLEWISE_INLINE batch trivial_augment_wide::operator()(const batch& examples,
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

ROLEWISE_INLINE void trivial_augment_wide::plan(const image_subjects& subjects,
                                                const training_progress& progress, seed key,
                                                image_program& program) const
{
  constexpr auto& known = detail::unsearched_operations;
  const auto own = key.split(purpose{"trivial-augment-wide"});
  const auto steps = program.add_operations();
  for (std::size_t n = 0; n < subjects.size(); ++n) {
    const draws of_image{own, progress.epoch, subjects.ids[n]};
    const auto what = known[static_cast<std::size_t>(of_image.below(0, known.size()))];
    const auto value = wide_parameter(what, of_image.below(1, 31));
    steps[n] = {what, has_sign(what) && of_image.coin(2) ? -value : value};
  }
  program.add_fill();
}

}  // namespace rolewise
