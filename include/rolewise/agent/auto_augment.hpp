// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `auto_augment` agent: applies an AutoAugment policy.

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/policy/auto_augment_policies.hpp>
#include <rolewise/policy/sub_policy.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise {

/// AutoAugment agent: applies one sub-policy, drawn uniformly, to each image: its two operations
/// in order, each with its own probability. Signs are fair coin flips; the center of a cutout is
/// uniform over the pixels. Holes are filled with the mean color of the data set.
///
///     rw::auto_augment{}  // CIFAR-10
///     rw::auto_augment{.policy = rw::auto_augment_policies::imagenet(),
///                      .scale = rw::auto_augment_scale::even}
///
/// `auto_augment_parameter` defines the magnitude levels, on which sources differ.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3; views keep shape and dtype. N = 0 is allowed.
///
/// @par Determinism
/// A function of seed, epoch and id of an image.
/// @throws std::invalid_argument on other inputs (`require_images`), an empty policy or levels
///         out of range
/// @par Source
/// Cubuk, Zoph, Mané, Vasudevan, Le: AutoAugment: learning augmentation policies from data, 2018,
/// arXiv 1805.09501, section 3.
/// @par Departs
/// The published code also crops, flips and applies cutout; here those are separate agents
/// (`compose`). It converts through floating point, which makes some values one lower; here
/// images stay uint8. Holes get the rounded mean; in the published code they are exactly 0 after
/// normalization, in other implementations black or gray.
struct auto_augment {
  static constexpr std::string_view name = "auto-augment";
  static constexpr bool has_state = false;

  std::vector<sub_policy> policy = auto_augment_policies::cifar10();
  auto_augment_scale scale = auto_augment_scale::published;

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  /// Plans two layers of operations, then a fill.
  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
            image_program& program) const;

 private:
  void require_levels() const;
};

static_assert(PlannedAgent<auto_augment>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/auto_augment.hpp>
#endif
