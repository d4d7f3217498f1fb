// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/rand_augment.hpp>.

#include <rolewise/agent/rand_augment.hpp>

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/detail/strength.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE batch rand_augment::operator()(const batch& examples,
                                               const training_progress& progress, seed key) const
{
  require_images(name, examples);
  return detail::planned_view(
      [&](const image_subjects& subjects, image_program& program) {
        plan(subjects, progress, key, program);
      },
      examples);
}

ROLEWISE_INLINE void rand_augment::plan(const image_subjects& subjects,
                                        const training_progress& progress, seed key,
                                        image_program& program) const
{
  if (operations < 0)
    throw_invalid_argument(name, "operations is ", operations, ", want at least 0");
  if (magnitude < 0 || magnitude > 10)
    throw_invalid_argument(name, "magnitude is ", magnitude, ", want 0 .. 10");
  constexpr auto& known = detail::unsearched_operations;
  const double strength = detail::share_of(magnitude, 10.0);
  const auto own = key.split(purpose{"rand-augment"});
  const auto count = static_cast<std::size_t>(operations);
  const auto steps = program.add_operations(count);
  for (std::size_t n = 0; n < subjects.size(); ++n) {
    const draws of_image{own, progress.epoch, subjects.ids[n]};
    for (std::size_t step = 0; step < count; ++step) {
      const auto what = known[static_cast<std::size_t>(of_image.below(2 * step, known.size()))];
      const double turned = of_image.coin(2 * step + 1) ? -strength : strength;
      steps[step * subjects.size() + n] = {
          what, detail::parameter_of(what, turned, subjects.height, subjects.width)};
    }
  }
  program.add_fill();
}

}  // namespace rolewise
