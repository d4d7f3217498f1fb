// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `trivial_augment` agent: TrivialAugment, one random operation of random strength.

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/inline.hpp>

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
                                 seed key) const;

  /// Adds a layer of operations, then a fill.
  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
            image_program& program) const;
};

static_assert(PlannedAgent<trivial_augment>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/trivial_augment.hpp>
#endif
