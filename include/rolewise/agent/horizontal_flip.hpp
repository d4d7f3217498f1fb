// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `horizontal_flip` agent: mirrors images left to right at random.

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>

namespace rolewise {

/// Random horizontal flip: mirrors each image left to right with a probability.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3; views keep shape and dtype. N = 0 is allowed.
///
/// @par Determinism
/// A function of seed, epoch and id of an image.
/// @throws std::invalid_argument on other inputs (`require_images`) or a probability out of range
struct horizontal_flip {
  static constexpr std::string_view name = "horizontal-flip";
  static constexpr bool has_state = false;

  double probability = 0.5;  ///< 0 .. 1; 0 never mirrors

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  /// Plans a layer of windows.
  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
            image_program& program) const;
};

static_assert(PlannedAgent<horizontal_flip>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/horizontal_flip.hpp>
#endif
