// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/color_jitter.hpp>.

#include <rolewise/agent/color_jitter.hpp>

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise {

ROLEWISE_INLINE batch color_jitter::operator()(const batch& examples,
                                               const training_progress& progress, seed key) const
{
  require_images(name, examples);
  return detail::planned_view(
      [&](const image_subjects& subjects, image_program& program) {
        plan(subjects, progress, key, program);
      },
      examples);
}

ROLEWISE_INLINE void color_jitter::plan(const image_subjects& subjects,
                                        const training_progress& progress, seed key,
                                        image_program& program) const
{
  require_jitter("brightness", brightness);
  require_jitter("contrast", contrast);
  require_jitter("saturation", saturation);
  require_jitter("hue", hue);
  if (hue > 0.5) throw_invalid_argument(name, "hue is ", hue, ", want 0 .. 0.5");
  std::array<std::size_t, kinds> changed{};
  std::size_t count = 0;
  for (std::size_t kind = 0; kind < kinds; ++kind)
    if (jitter(kind) > 0.0) changed[count++] = kind;
  const auto own = key.split(purpose{"colour-jitter"});
  for (std::size_t place = 0; place < count; ++place) {
    if (count > 1 || hue == 0.0) {
      const auto steps = program.add_operations();
      for (std::size_t n = 0; n < subjects.size(); ++n) {
        const draws of_image{own, progress.epoch, subjects.ids[n]};
        const auto kind = in_order(changed, count, of_image)[place];
        if (kind != hues) steps[n] = {what(kind), factor(kind, of_image)};
      }
    }
    if (hue == 0.0) continue;
    const auto turns = program.add_hues();
    for (std::size_t n = 0; n < subjects.size(); ++n) {
      const draws of_image{own, progress.epoch, subjects.ids[n]};
      if (in_order(changed, count, of_image)[place] == hues) turns[n] = {true, turn(of_image)};
    }
  }
}

ROLEWISE_INLINE void color_jitter::require_jitter(std::string_view what, double jitter)
{
  if (!(jitter >= 0.0 && std::isfinite(jitter)))
    throw_invalid_argument(name, what, " is ", jitter, ", want 0 or more, and finite");
}

ROLEWISE_INLINE std::uint8_t color_jitter::turn(const draws& of_image) const
{
  // Truncates toward 0, then wraps modulo 256.
  return static_cast<std::uint8_t>(
      static_cast<std::int32_t>(of_image.uniform(hues, -hue, hue) * 255.0));
}

ROLEWISE_INLINE std::array<std::size_t, color_jitter::kinds> color_jitter::in_order(
    std::array<std::size_t, kinds> all, std::size_t count, const draws& of_image)
{
  for (std::size_t left = count; left > 1; --left) {
    const auto other = of_image.below(kinds + left - 2, static_cast<std::int64_t>(left));
    std::swap(all[left - 1], all[static_cast<std::size_t>(other)]);
  }
  return all;
}

}  // namespace rolewise
