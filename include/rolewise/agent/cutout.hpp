// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `cutout` agent (Cutout): masks a square of each image.

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>

namespace rolewise {

/// Cutout agent: paints a box of each image in the mean color of the data set. The center is
/// uniform over the pixels; with h = size / 2, rounded down, the box has the rows
/// `center - h .. center + h - 1` and likewise columns, clipped to the image, so it is smaller at
/// the border.
///
/// Label maps stay as they are, as is usual for what erases: the hidden pixels keep their classes.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3; views keep shape and dtype. N = 0 is allowed.
///
/// @par Determinism
/// A function of seed, epoch and id of an image.
/// @throws std::invalid_argument on other inputs (`require_images`) or a negative size
/// @par Source
/// DeVries, Taylor: Improved regularization of convolutional neural networks with cutout, 2017,
/// arXiv 1708.04552; the half-size rule is that of the code of arXiv 1905.05393.
struct cutout {
  static constexpr std::string_view name = "cutout";
  static constexpr bool has_state = false;

  /// Side of the box in pixels; an odd size acts as size - 1; 0 and 1 do nothing; typically 8 ..
  /// 20 of 32.
  std::int64_t size = 8;

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  /// Plans a layer of operations, then a fill.
  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
            image_program& program) const;
};

static_assert(PlannedAgent<cutout>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/cutout.hpp>
#endif
