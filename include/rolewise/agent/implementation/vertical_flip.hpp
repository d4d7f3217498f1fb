// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/vertical_flip.hpp>.

#include <rolewise/agent/vertical_flip.hpp>

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/detail/require_setting.hpp>

namespace rolewise {

ROLEWISE_INLINE batch vertical_flip::operator()(const batch& examples,
                                                const training_progress& progress, seed key) const
{
  require_images(name, examples);
  return detail::planned_view(
      [&](const image_subjects& subjects, image_program& program) {
        plan(subjects, progress, key, program);
      },
      examples);
}

ROLEWISE_INLINE void vertical_flip::plan(const image_subjects& subjects,
                                         const training_progress& progress, seed key,
                                         image_program& program) const
{
  detail::require_probability(name, probability);
  if (probability == 0.0) return;
  const auto own = key.split(purpose{"vertical-flip"});
  const auto flags = program.add_upside_down();
  for (std::size_t n = 0; n < subjects.size(); ++n)
    flags[n] = draws{own, progress.epoch, subjects.ids[n]}.uniform(0) < probability ? 1 : 0;
}

}  // namespace rolewise
