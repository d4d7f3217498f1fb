// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/auto_augment.hpp>.

#include <rolewise/agent/auto_augment.hpp>

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/detail/sub_policy_step.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE batch auto_augment::operator()(const batch& examples,
                                               const training_progress& progress, seed key) const
{
  require_images(name, examples);
  return detail::planned_view(
      [&](const image_subjects& subjects, image_program& program) {
        plan(subjects, progress, key, program);
      },
      examples);
}

ROLEWISE_INLINE void auto_augment::plan(const image_subjects& subjects,
                                        const training_progress& progress, seed key,
                                        image_program& program) const
{
  require_levels();
  const auto own = key.split(purpose{"auto-augment"});
  const auto steps = program.add_operations(2);
  for (std::size_t n = 0; n < subjects.size(); ++n) {
    const draws of_image{own, progress.epoch, subjects.ids[n]};
    const auto& drawn = policy[static_cast<std::size_t>(
        of_image.below(0, static_cast<std::int64_t>(policy.size())))];
    // Draw 0 selects the sub-policy.
    steps[n] = detail::carried_out(drawn.first, scale, of_image, 1, subjects);
    steps[subjects.size() + n] = detail::carried_out(drawn.second, scale, of_image, 5, subjects);
  }
  program.add_fill();
}

ROLEWISE_INLINE void auto_augment::require_levels() const
{
  if (policy.empty()) throw_invalid_argument(name, "got no sub-policy, want at least one");
  for (std::size_t i = 0; i < policy.size(); ++i)
    for (const auto& step : {policy[i].first, policy[i].second})
      if (const auto why = objection_to_levels(step, i); !why.empty())
        throw_invalid_argument(name, why);
}

}  // namespace rolewise
