// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/auto_augment.hpp>.

#include <rolewise/agent/auto_augment.hpp>

#include <rolewise/agent/detail/planned_view.hpp>
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
    steps[n] = carried_out(drawn.first, of_image, 1, subjects);
    steps[subjects.size() + n] = carried_out(drawn.second, of_image, 5, subjects);
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

ROLEWISE_INLINE image_step auto_augment::carried_out(const sub_policy::step& step,
                                                     const draws& of_image, std::uint64_t first,
                                                     const image_subjects& subjects) const
{
  if (of_image.uniform(first) >= static_cast<double>(step.probability) / 10.0) return {};
  const auto value =
      auto_augment_parameter(step.what, step.magnitude, subjects.height, subjects.width, scale);
  const auto turned = [&] {
    if (has_sign(step.what)) return -value;
    if (scale == auto_augment_scale::even && is_enhancer(step.what)) return 2.0 - value;
    return value;
  };
  return {step.what, of_image.coin(first + 1) ? turned() : value,
          of_image.below(first + 2, subjects.height), of_image.below(first + 3, subjects.width)};
}

}  // namespace rolewise
