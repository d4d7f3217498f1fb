// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `uniform_augment` agent: UniformAugment, random operations of random strength, each
/// applied at random.

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>

namespace rolewise {

/// Maps a strength s in [0, 1) to a parameter (`operation_parameters::value`), before a sign is
/// drawn.
///
/// | operation                | value                          | at 0 | toward 1          |
/// |--------------------------|--------------------------------|------|--------------------|
/// | rotate                   | 30 s degrees                   | 0    | 30                 |
/// | shear_x, shear_y         | 0.3 s                          | 0    | 0.3                |
/// | translate_x, translate_y | trunc(0.45 s side) pixels      | 0    | 14 of 32           |
/// | posterize                | 4 + trunc(4 s) bits            | 4    | 7                  |
/// | solarize                 | ceil(256 s)                    | 0    | 256                |
/// | enhancers                | 0.1 + 1.8 s                    | 0.1  | 1.9                |
/// | cutout                   | half the side: round(0.1 s side) | 0  | 3 of 32            |
[[nodiscard]] ROLEWISE_INLINE double uniform_parameter(operation what, double strength,
                                                       std::int64_t height, std::int64_t width);

/// Draws `operations` operations for each image, uniformly with replacement from the 15 of a
/// policy; each fires with probability 1/2, at a strength drawn uniformly from [0, 1)
/// (`uniform_parameter`). Signs are drawn by fair coins; the center of cutout is uniform over the
/// pixels. Holes get the mean color of the data set. No search is needed.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3 and stay so; a batch of N = 0 passes.
///
/// @par Determinism
/// A function of seed, epoch and id of an image.
/// @throws std::invalid_argument on other inputs (`require_images`) or a negative number of
///         operations
/// @par Source
/// LingChen, Khonsari, Lashkari, Nazari, Sambee, Nascimento: UniformAugment: a search-free
/// probabilistic data augmentation approach, 2020, arXiv 2003.14348; ranges are those of
/// tgilewicz/uniformaugment, whose author asked the paper's authors and reports their accuracies.
/// @par Departs
/// In the paper an operation fires with a probability that is itself drawn uniformly from [0, 1);
/// a fair coin is the same in distribution. Translations and boxes are whole pixels, and a box
/// has an even side and its center on a pixel.
struct uniform_augment {
  static constexpr std::string_view name = "uniform-augment";
  static constexpr bool has_state = false;

  std::int64_t operations = 2;  ///< drawn for each image, at least 0

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  /// Adds a layer for each of the operations, then a fill.
  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
            image_program& program) const;

 private:
  // Draws first .. first + 5: whether it fires, operation, strength, sign, row and column of the
  // cutout center.
  [[nodiscard]] static image_step drawn(const draws& of_image, std::uint64_t first,
                                        const image_subjects& subjects);
};

static_assert(PlannedAgent<uniform_augment>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/uniform_augment.hpp>
#endif
