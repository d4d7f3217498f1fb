// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `random_grayscale` agent: converts some images to gray.

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>

namespace rolewise {

/// Converts an image to gray, as three equal channels, with a given probability: Pillow's
/// `convert('L')`. Gray images stay unchanged.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3 and stay so; a batch of N = 0 passes.
///
/// @par Determinism
/// A function of seed, epoch and id of an image.
/// @throws std::invalid_argument on other inputs (`require_images`) or a probability out of range
/// @par Source
/// torchvision's `RandomGrayscale`.
struct random_grayscale {
  static constexpr std::string_view name = "random-grayscale";
  static constexpr bool has_state = false;

  double probability = 0.1;  ///< 0 .. 1; 0 changes nothing

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  /// Adds a layer of operations: `color` with the factor 0 gives gray.
  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
            image_program& program) const;
};

static_assert(PlannedAgent<random_grayscale>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/random_grayscale.hpp>
#endif
