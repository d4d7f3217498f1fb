// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `rand_augment` agent: RandAugment, random operations of one common magnitude.

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>

namespace rolewise {

/// Applies `operations` operations to each image, drawn uniformly with replacement from 14:
/// identity, autocontrast, equalize, rotate, solarize, color, posterize, contrast, brightness,
/// sharpness, shear x, shear y, translate x, translate y; signs are drawn by fair coins.
///
/// At magnitude M: rotate 3 M degrees, shear 0.03 M, translate M / 32 of the side (whole pixels),
/// posterize to 8 - trunc(0.4 M) bits, solarize from 256 - trunc(25.6 M), enhancers 1 +- 0.09 M.
/// Holes get the mean color of the data set.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3 and stay so; a batch of N = 0 passes.
///
/// @par Determinism
/// A function of seed, epoch and id of an image.
/// @throws std::invalid_argument on other inputs (`require_images`) or members out of range
/// @par Source
/// Cubuk, Zoph, Shlens, Le: RandAugment: practical automated data augmentation with a reduced
/// search space, 2019, arXiv 1909.13719, section 3 and figure 2.
/// @par Departs
/// Strength grows with M for every operation, from none at M = 0, but for autocontrast and
/// equalize, which have no magnitude. In the published code enhancers do nothing at M = 5 and
/// most at 0, and posterize and solarize weaken as M grows. Translation is a share of the side,
/// 10 of 32 pixels at M = 10, independent of the image size.
struct rand_augment {
  static constexpr std::string_view name = "rand-augment";
  static constexpr bool has_state = false;

  std::int64_t operations = 2;  ///< for each image, at least 0; 0 does nothing; usual 1 .. 3
  std::int64_t magnitude = 5;   ///< 0 .. 10

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  /// Adds a layer for each of the operations, then a fill.
  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
            image_program& program) const;
};

static_assert(PlannedAgent<rand_augment>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/rand_augment.hpp>
#endif
