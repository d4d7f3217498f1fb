// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// TrivialAugment: one random operation of random strength.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/detail/plan.hpp>
#include <rolewise/agent/detail/strength.hpp>
#include <rolewise/core/draws.hpp>

#include <cstddef>
#include <cstdint>

namespace rolewise {

/// Shows each image after one operation, drawn uniformly from the 14 of `rand_augment`, at a level
/// L drawn uniformly from 0 .. 30; directions by fair coins. Nothing to tune.
///
/// At level L: rotate L degrees, shear 0.01 L, translate L / 96 of the side (whole pixels),
/// posterize to 8 - trunc(4 L / 30) bits, solarize from 256 - trunc(256 L / 30), enhancers
/// 0.1 + 0.06 L, so from 0.1 to 1.9. Holes get the mean colour of the data set.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3 and stay so; a batch of N = 0 passes.
///
/// @par Determinism
/// A function of seed, epoch and id of an image.
/// @throws std::invalid_argument on other inputs (`require_images`)
/// @par Source
/// Müller, Hutter: TrivialAugment: tuning-free yet state-of-the-art data augmentation, 2021,
/// arXiv 2103.10158, section 3; the ranges of its space that is not wide.
/// @par Departs
/// Translation is a share of the side, 10 of 32 pixels at most, so that it means the same for any
/// size.
struct trivial_augment {
  static constexpr std::string_view name = "trivial-augment";
  static constexpr bool has_state = false;

  [[nodiscard]] batch operator()(const batch& examples, const moment& now, seed key) const
  {
    require_images(name, examples);
    constexpr auto& known = detail::unsearched_operations;
    const auto height = examples.inputs.size(2), width = examples.inputs.size(3);
    detail::augmentation_plan plan{examples.size(), 1};
    const auto ids = detail::readable_ids(examples);
    const auto* id = ids.const_data_ptr<std::int64_t>();
    for (std::int64_t n = 0; n < examples.size(); ++n) {
      const draws of_image{key.split(purpose{"trivial-augment"}), now.epoch, id[n]};
      const auto what = known[static_cast<std::size_t>(of_image.below(0, known.size()))];
      const double level = static_cast<double>(of_image.below(1, 31)) / 30.0;
      const double strength = is_enhancer(what)  ? 2.0 * level - 1.0
                              : of_image.coin(2) ? -level
                                                 : level;
      plan.at(0, n) = {what, detail::parameter_of(what, strength, height, width), 0, 0};
    }
    auto view = examples;
    view.inputs = detail::carry_out(plan, examples.inputs,
                                    mean_colour(examples.scaling, examples.inputs.size(1)));
    return view;
  }
};

static_assert(AugmentationAgent<trivial_augment>);

}  // namespace rolewise
