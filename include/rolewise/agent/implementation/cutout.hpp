// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/cutout.hpp>.

#include <rolewise/agent/cutout.hpp>

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE batch cutout::operator()(const batch& examples, const training_progress& progress,
                                         seed key) const
{
  require_images(name, examples);
  return detail::planned_view(
      [&](const image_subjects& subjects, image_program& program) {
        plan(subjects, progress, key, program);
      },
      examples);
}

ROLEWISE_INLINE void cutout::plan(const image_subjects& subjects, const training_progress& progress,
                                  seed key, image_program& program) const
{
  if (size < 0) throw_invalid_argument(name, "size is ", size, ", want at least 0");
  if (size < 2) return;
  const auto own = key.split(purpose{"cutout"});
  const auto steps = program.add_operations();
  for (std::size_t n = 0; n < subjects.size(); ++n) {
    const draws of_image{own, progress.epoch, subjects.ids[n]};
    steps[n] = {operation::cutout, static_cast<double>(size / 2),
                of_image.below(0, subjects.height), of_image.below(1, subjects.width)};
  }
  program.add_fill();
}

}  // namespace rolewise
