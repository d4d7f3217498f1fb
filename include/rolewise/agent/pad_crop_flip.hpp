// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `pad_crop_flip` agent: a random crop of the padded image, and a random horizontal flip.

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>

namespace rolewise {

/// Pads each image with the mean color of the data set, crops a random window of the original
/// size, and flips it left to right with probability 1/2.
///
/// Both offsets of the window are uniform over 0 .. 2 padding, both ends included.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3 and stay so; a batch of N = 0 passes.
///
/// @par Determinism
/// A function of seed, epoch and id of an image.
/// @throws std::invalid_argument on other inputs (`require_images`) or a negative padding
/// @par Source
/// He, Zhang, Ren, Sun: Deep residual learning for image recognition, 2015, arXiv 1512.03385,
/// section 4.2.
/// @par Departs
/// From the code of Population Based Augmentation (arXiv 1905.05393), which excludes the offset 2
/// padding by mistake, so that images move further to one side than to the other.
struct pad_crop_flip {
  static constexpr std::string_view name = "pad-crop-flip";
  static constexpr bool has_state = false;

  std::int64_t padding = 4;  ///< pixels at each side; 0 never shifts
  bool flip = true;          ///< false where mirroring changes the class, as of digits

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  /// Adds a layer of windows.
  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
            image_program& program) const;
};

static_assert(PlannedAgent<pad_crop_flip>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/pad_crop_flip.hpp>
#endif
