// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `random_resized_crop` agent: resizes a random box of each image to a fixed size.

#include <rolewise/agent/image_layers.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/agent/resampling.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace rolewise {

/// Crops a random box of each image and resizes it to `height` x `width`, the usual augmentation
/// for training on ImageNet.
///
/// Up to ten times, an area is drawn uniformly from `scale`, as a share of the image area, and an
/// aspect ratio width / height from `ratio`, uniformly in its logarithm; the sides are rounded to
/// pixels. The first box that fits is placed uniformly. If none fits, the box is the largest
/// centered one with an aspect ratio within `ratio`.
///
///     rw::compose{rw::random_resized_crop{.height = 224, .width = 224}, rw::horizontal_flip{}}
///
/// Later parts of a `compose` get images of the new size. Pixels are bitwise equal to those of
/// Pillow's `resize((width, height), filter, box)` (`operations::resize`).
///
/// Label maps are resized with Pillow's nearest filter, whatever `interpolation` is.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3; the view is uint8 `[N, C, height, width]`; a batch
/// of N = 0 passes.
///
/// @par Determinism
/// A function of seed, epoch and id of an image.
/// @throws std::invalid_argument on other inputs (`require_images`), a negative or too large
///         size, and an invalid range `scale` or `ratio`
/// @par Source
/// Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich: Going deeper with
/// convolutions, 2014, arXiv 1409.4842, section 6; the ten tries and what follows them are
/// torchvision's `RandomResizedCrop`.
/// @par Departs
/// torchvision crops before it resizes; here the filter also reads pixels just outside the box,
/// as Pillow's `resize` with a box does.
struct random_resized_crop {
  static constexpr std::string_view name = "random-resized-crop";
  static constexpr bool has_state = false;

  std::int64_t height = 0;                            ///< pixels of the view; 0: as the input
  std::int64_t width = 0;                             ///< likewise
  std::array<double, 2> scale{0.08, 1.0};             ///< cropped share of the area, in (0, 1]
  std::array<double, 2> ratio{3.0 / 4.0, 4.0 / 3.0};  ///< width / height of the box, above 0
  resampling interpolation = resampling::bilinear;

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  /// Adds a layer of resizes.
  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
            image_program& program) const;

 private:
  // Draws 4 i .. 4 i + 3 of try i: area, aspect ratio, top, left.
  [[nodiscard]] image_box box(const draws& of_image, std::int64_t rows, std::int64_t columns) const;

  [[nodiscard]] image_box middle(std::int64_t rows, std::int64_t columns) const;

  [[nodiscard]] static image_box box_at(std::int64_t top, std::int64_t left, std::int64_t rows,
                                        std::int64_t columns);
};

static_assert(PlannedAgent<random_resized_crop>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/random_resized_crop.hpp>
#endif
