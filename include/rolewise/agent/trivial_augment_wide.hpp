// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `trivial_augment_wide` agent: TrivialAugment with its wide space, up to extreme strengths.

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>

namespace rolewise {

/// Maps a level 0 .. 30 of the wide space to a parameter (`operation_parameters::value`), before
/// a sign is drawn.
///
/// | operation                | value                          | level 0 | level 30 |
/// |--------------------------|--------------------------------|---------|----------|
/// | rotate                   | trunc(4.5 L) degrees           | 0       | 135      |
/// | shear_x, shear_y         | 0.033 L                        | 0       | 0.99     |
/// | translate_x, translate_y | trunc(32 L / 30) pixels        | 0       | 32       |
/// | posterize                | 8 - trunc(L / 5) bits          | 8       | 2        |
/// | solarize                 | 256 - trunc(256 L / 30)        | 256     | 0        |
/// | enhancers                | 0.01 + 1.99 L / 30             | 0.01    | 2        |
///
/// @throws std::invalid_argument for a level that is not in 0 .. 30
[[nodiscard]] ROLEWISE_INLINE double wide_parameter(operation what, std::int64_t level);

/// `trivial_augment` with larger ranges: applies one operation, drawn uniformly from the 14 of
/// `rand_augment`, at a level drawn uniformly from 0 .. 30 (`wide_parameter`); signs are drawn by
/// fair coins. There is no setting to tune. Holes get the mean color of the data set.
///
/// Translation is in pixels, independent of the image size, as published: at the highest level,
/// images of 32 x 32 are translated out of the frame.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3 and stay so; a batch of N = 0 passes.
///
/// @par Determinism
/// A function of seed, epoch and id of an image.
/// @throws std::invalid_argument on other inputs (`require_images`)
/// @par Source
/// Müller, Hutter: TrivialAugment: tuning-free yet state-of-the-art data augmentation, 2021,
/// arXiv 2103.10158, section 3, and the published code (automl/trivialaugment, `wide_standard`).
/// torchvision's `TrivialAugmentWide` differs: enhancers are 1 +- 0.033 L, posterize rounds instead
/// of truncating, solarize begins at 255, rotation is not truncated.
/// @par Departs
/// Holes are black in the published code.
struct trivial_augment_wide {
  static constexpr std::string_view name = "trivial-augment-wide";
  static constexpr bool has_state = false;

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  /// Adds a layer of operations, then a fill.
  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
            image_program& program) const;
};

static_assert(PlannedAgent<trivial_augment_wide>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/trivial_augment_wide.hpp>
#endif
