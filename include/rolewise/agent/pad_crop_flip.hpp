// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The augmentation that every recipe has: a small shift and a mirror.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/operations_geometric.hpp>
#include <rolewise/core/draws.hpp>

#include <cstdint>

namespace rolewise {

/// Pads each image with the mean colour of the data set, cuts a window of the original size out of
/// it, and mirrors it left to right with probability 1/2.
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
/// From the code of Population Based Augmentation (arXiv 1905.05393), which excludes the offset
/// 2 padding by mistake, so that images move further to one side than to the other.
struct pad_crop_flip {
  static constexpr std::string_view name = "pad-crop-flip";
  static constexpr bool has_state = false;

  std::int64_t padding = 4;  ///< pixels at each side; 0 never shifts
  bool flip = true;          ///< false for what has a left and a right, such as digits

  [[nodiscard]] batch operator()(const batch& examples, const moment& now, seed key) const
  {
    require_images(name, examples);
    if (padding < 0) refuse(name, "padding is ", padding, ", want at least 0");
    if (padding == 0 && !flip) return examples;
    const auto& pixels = examples.inputs;
    const auto n = pixels.size(0), height = pixels.size(2), width = pixels.size(3);

    // Source row = y + shift_y; source column = x * by + shift_x, where by = -1 mirrors.
    const auto numbers = torch::empty({3, n}, torch::kLong);
    auto* const shift_y = numbers.mutable_data_ptr<std::int64_t>();
    auto* const shift_x = shift_y + n;
    auto* const by = shift_x + n;
    const auto ids = examples.ids.cpu().contiguous();
    const auto* id = ids.const_data_ptr<std::int64_t>();
    for (std::int64_t i = 0; i < n; ++i) {
      const draws of_image{key.split(purpose{"pad-crop-flip"}), now.epoch, id[i]};
      const bool mirrored = flip && of_image.coin(2);
      shift_y[i] = of_image.below(0, 2 * padding + 1) - padding;
      shift_x[i] = of_image.below(1, 2 * padding + 1) - padding + (mirrored ? width - 1 : 0);
      by[i] = mirrored ? -1 : 1;
    }
    const auto on_device = numbers.to(pixels.device()).unsqueeze(2);
    const auto row =
        on_device.select(0, 0) + detail::whole_numbers(height, pixels.device()).unsqueeze(0);
    const auto column = on_device.select(0, 1) +
                        on_device.select(0, 2) * detail::whole_numbers(width, pixels.device());

    const auto inside = row.ge(0)
                            .logical_and_(row.lt(height))
                            .unsqueeze(2)
                            .logical_and(column.ge(0).logical_and_(column.lt(width)).unsqueeze(1));
    const auto index =
        row.clamp(0, height - 1).mul_(width).unsqueeze(2) + column.clamp(0, width - 1).unsqueeze(1);
    auto view = examples;
    view.inputs = filled({detail::pick(pixels, index), inside.unsqueeze(1)},
                         mean_colour(examples.scaling, pixels.size(1)));
    return view;
  }
};

static_assert(AugmentationAgent<pad_crop_flip>);

}  // namespace rolewise
