// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/random_grayscale.hpp>.

#include <rolewise/agent/random_grayscale.hpp>

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/detail/require_setting.hpp>

namespace rolewise {

ROLEWISE_INLINE batch random_grayscale::operator()(const batch& examples,
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

ROLEWISE_INLINE void random_grayscale::plan(const image_subjects& subjects,
                                            const training_progress& progress, seed key,
                                            image_program& program) const
{
  detail::require_probability(name, probability);
  if (probability == 0.0) return;
  const auto own = key.split(purpose{"random-greyscale"});
  const auto steps = program.add_operations();
  for (std::size_t n = 0; n < subjects.size(); ++n)
    if (draws{own, progress.epoch, subjects.ids[n]}.uniform(0) < probability)
      steps[n] = {operation::color, 0.0};
}

}  // namespace rolewise
