// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `policy_agent`: augmentation by a policy of 30 pairs, or by a schedule of policies.

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace rolewise {

/// Applies at most two operations of a policy to each image.
///
/// For each image: at most n operations, n = 0, 1, 2 with probability 0.2, 0.3, 0.5. The 30 pairs
/// are visited in random order; each one fires with its own probability, until n have fired or
/// none is left. A pair that fires counts even where its magnitude changes nothing. Signs are
/// drawn by fair coins; the center of cutout is uniform over the pixels. Holes get the mean color
/// of the data set.
///
///     rw::policy_agent{.policy = rw::augmentation_policy{levels}}
///     rw::policy_agent{.policy = rw::policy_schedule{{{0, first}, {57, second}}}}
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3 and stay so; a batch of N = 0 passes. `Color` does
/// not change gray images.
///
/// @par Determinism
/// A function of seed, epoch and id of an image.
/// @throws std::invalid_argument on other inputs (`require_images`)
/// @par Source
/// Ho, Liang, Chen, Stoica, Abbeel: Population based augmentation, 2019, arXiv 1905.05393,
/// section 3.
/// @par Departs
/// The published code also crops, flips and cuts out after the policy; here those are separate
/// agents (`compose`). It converts through floating point, which makes some values one lower;
/// here images stay uint8. Holes get the rounded mean, not exactly 0 after normalization.
struct policy_agent {
  static constexpr std::string_view name = "policy-agent";
  static constexpr bool has_state = false;

  policy_schedule policy;
  gray_rounding gray = gray_rounding::nearest;

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  /// Adds two layers of operations, then a fill.
  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
            image_program& program) const;

 private:
  static constexpr std::size_t most = 2;  // operations on an image

  // Draw 0: number of operations. Draws 1 + 3 i .. 3 + 3 i: the i-th pair of the order, whether
  // it fires, sign. Draws 91 + 2 s, 92 + 2 s: row and column of the cutout center of step s.
  [[nodiscard]] static std::array<image_step, most> choose(const draws& of_image,
                                                           const augmentation_policy& followed,
                                                           const image_subjects& subjects);
};

static_assert(PlannedAgent<policy_agent>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/policy_agent.hpp>
#endif
