// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `trivial_augment` agent: TrivialAugment, one random operation of random strength.

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/detail/strength.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/draws.hpp>

#include <cstddef>
#include <cstdint>

namespace rolewise {

/// Applies one operation to each image, drawn uniformly from the 14 of `rand_augment`, at a level
/// L drawn uniformly from 0 .. 30; signs are drawn by fair coins. There is no setting to tune.
///
/// At level L: rotate L degrees, shear 0.01 L, translate L / 96 of the side (whole pixels),
/// posterize to 8 - trunc(4 L / 30) bits, solarize from 256 - trunc(256 L / 30), enhancers
/// 0.1 + 0.06 L, so from 0.1 to 1.9. Holes get the mean color of the data set.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3 and stay so; a batch of N = 0 passes.
///
/// @par Determinism
/// A function of seed, epoch and id of an image.
/// @throws std::invalid_argument on other inputs (`require_images`)
/// @par Source
/// Müller, Hutter: TrivialAugment: tuning-free yet state-of-the-art data augmentation, 2021,
/// arXiv 2103.10158, section 3; the ranges of its space that is not wide.
/// @par Departs
/// Translation is a share of the side, 10 of 32 pixels at most, independent of the image size.
struct trivial_augment {
  static constexpr std::string_view name = "trivial-augment";
  static constexpr bool has_state = false;

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const
  {
    require_images(name, examples);
    return detail::planned_view(
        [&](const image_subjects& subjects, image_program& program) {
          plan(subjects, progress, key, program);
        },
        examples);
  }

  /// Adds a layer of operations, then a fill.
  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
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
};

static_assert(PlannedAgent<trivial_augment>);

}  // namespace rolewise
