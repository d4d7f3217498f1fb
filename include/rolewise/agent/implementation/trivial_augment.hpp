// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/trivial_augment.hpp>.

#include <rolewise/agent/trivial_augment.hpp>

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/detail/strength.hpp>

namespace rolewise {

ROLEWISE_INLINE batch trivial_augment::operator()(const batch& examples,
                                                  const training_progress& progress, seed key) const
{
  require_images(name, examples);
  return detail::planned_view(
      [&](const image_subjects& subjects, image_program& program) {
        plan(subjects, progress, key, program);
      },
      examples);
}

ROLEWISE_INLINE void trivial_augment::plan(const image_subjects& subjects,
                                           const training_progress& progress, seed key,
                                           image_program& program) const
{
  constexpr auto& known = detail::unsearched_operations;
  const auto own = key.split(purpose{"trivial-augment"});
  const auto steps = program.add_operations();
  for (std::size_t n = 0; n < subjects.size(); ++n) {
    const draws of_image{own, progress.epoch, subjects.ids[n]};
    const auto what = known[static_cast<std::size_t>(of_image.below(0, known.size()))];
    const double level = detail::share_of(of_image.below(1, 31), 30.0);
    const double strength = is_enhancer(what)  ? 2.0 * level - 1.0
                            : of_image.coin(2) ? -level
                                               : level;
    steps[n] = {what, detail::parameter_of(what, strength, subjects.height, subjects.width)};
  }
  program.add_fill();
}

}  // namespace rolewise
