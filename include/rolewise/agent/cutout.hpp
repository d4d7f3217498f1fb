// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Cutout: a square of each image is hidden.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/operations_geometric.hpp>
#include <rolewise/core/draws.hpp>

#include <cstdint>

namespace rolewise {

/// Paints a box of each image in the mean colour of the data set. The centre is uniform over the
/// pixels; with h = size / 2, rounded down, the box has the rows `centre - h .. centre + h - 1` and
/// likewise columns, clipped to the image, so that it is smaller at the border.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3 and stay so; a batch of N = 0 passes.
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

  /// Side of the box in pixels; odd is as one less; 0 and 1 do nothing; usual 8 .. 20 of 32.
  std::int64_t size = 8;

  [[nodiscard]] batch operator()(const batch& examples, const moment& now, seed key) const
  {
    require_images(name, examples);
    if (size < 0) refuse(name, "size is ", size, ", want at least 0");
    if (size < 2) return examples;
    const auto& pixels = examples.inputs;
    const auto ids = examples.ids.cpu().contiguous();
    const auto* id = ids.const_data_ptr<std::int64_t>();
    const auto row = torch::empty({examples.size()}, torch::kLong);
    const auto column = torch::empty_like(row);
    auto* row_of = row.mutable_data_ptr<std::int64_t>();
    auto* column_of = column.mutable_data_ptr<std::int64_t>();
    for (std::int64_t n = 0; n < examples.size(); ++n) {
      const draws of_image{key.split(purpose{"cutout"}), now.epoch, id[n]};
      row_of[n] = of_image.below(0, pixels.size(2));
      column_of[n] = of_image.below(1, pixels.size(3));
    }
    const auto half = torch::full_like(row, size / 2);
    auto view = examples;
    view.inputs = filled({pixels, detail::outside_box(half, row, column, pixels)},
                         mean_colour(examples.scaling, pixels.size(1)));
    return view;
  }
};

static_assert(AugmentationAgent<cutout>);

}  // namespace rolewise
