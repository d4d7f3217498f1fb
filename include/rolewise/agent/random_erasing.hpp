// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `random_erasing` agent: overwrites a random rectangle of some images.

#include <rolewise/agent/image_layers.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace rolewise {

/// Overwrites a random rectangle of an image, with a given probability.
///
/// Up to ten times, an area is drawn uniformly from `scale`, as a share of the image area, and an
/// aspect ratio height / width from `ratio`, uniformly in its logarithm; the sides are rounded to
/// pixels. The first rectangle that is not empty and smaller than the image in both directions is
/// placed uniformly. If there is none, the image stays unchanged.
///
///     rw::random_erasing{.with = rw::image_paint::kind::color, .color = {0, 0, 0}}
///
/// The defaults are those of the paper, so that its results can be reproduced: an area of
/// 0.02 .. 0.4 (torchvision's `RandomErasing` has 0.02 .. 0.33), and noise, the best of the
/// paper's fill values.
///
/// Label maps stay as they are, as torchvision leaves masks: the hidden pixels keep their classes.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3 and stay so; a batch of N = 0 passes.
///
/// @par Determinism
/// A function of seed, epoch and id of an image; a byte of noise also of its position in the
/// image.
/// @throws std::invalid_argument on other inputs (`require_images`), a probability out of range,
///         and an invalid range `scale` or `ratio`
/// @par Source
/// Zhong, Zheng, Kang, Li, Yang: Random erasing data augmentation, 2017, arXiv 1708.04896.
/// @par Departs
/// Sampling follows torchvision, not the paper, which draws aspect ratios uniformly, so that most
/// rectangles are tall, and tries until one fits. Torchvision's noise is normal, on values that
/// are already normalized; here it is the paper's, uniform over bytes.
struct random_erasing {
  static constexpr std::string_view name = "random-erasing";
  static constexpr bool has_state = false;

  double probability = 0.5;                     ///< 0 .. 1; 0 erases nothing
  std::array<double, 2> scale{0.02, 0.4};       ///< erased share of the area, in (0, 1]
  std::array<double, 2> ratio{0.3, 1.0 / 0.3};  ///< height / width of the rectangle, above 0
  image_paint::kind with = image_paint::kind::noise;
  std::array<std::uint8_t, 3> color{};  ///< fill of kind `color`; gray images use its first value

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  /// Adds a layer of rectangles.
  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
            image_program& program) const;

 private:
  // Draw 0: whether to erase. Draws 4 i .. 4 i + 3 of try i = 1 .. 10: area, aspect, top, left.
  [[nodiscard]] image_rectangle rectangle(const draws& of_image, std::int64_t rows,
                                          std::int64_t columns) const;
};

static_assert(PlannedAgent<random_erasing>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/random_erasing.hpp>
#endif
