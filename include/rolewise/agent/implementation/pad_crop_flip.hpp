// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/pad_crop_flip.hpp>.

#include <rolewise/agent/pad_crop_flip.hpp>

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE batch pad_crop_flip::operator()(const batch& examples,
                                                const training_progress& progress, seed key) const
{
  require_images(name, examples);
  return detail::planned_view(
      [&](const image_subjects& subjects, image_program& program) {
        plan(subjects, progress, key, program);
      },
      examples);
}

ROLEWISE_INLINE void pad_crop_flip::plan(const image_subjects& subjects,
                                         const training_progress& progress, seed key,
                                         image_program& program) const
{
  if (padding < 0) throw_invalid_argument(name, "padding is ", padding, ", want at least 0");
  if (padding == 0 && !flip) return;
  const auto own = key.split(purpose{"pad-crop-flip"});
  const auto windows = program.add_windows();
  for (std::size_t n = 0; n < subjects.size(); ++n) {
    const draws of_image{own, progress.epoch, subjects.ids[n]};
    windows[n] = {of_image.below(0, 2 * padding + 1) - padding,
                  of_image.below(1, 2 * padding + 1) - padding, flip && of_image.coin(2)};
  }
}

}  // namespace rolewise
