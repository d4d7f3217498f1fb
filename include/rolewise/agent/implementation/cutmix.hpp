// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/cutmix.hpp>.

#include <rolewise/agent/cutmix.hpp>

#include <rolewise/agent/detail/mixed_labels.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace rolewise {

ROLEWISE_INLINE cut_box cut_box_around(std::int64_t row, std::int64_t column, double share,
                                       std::int64_t height, std::int64_t width)
{
  const double ratio = std::sqrt(std::max(0.0, 1.0 - share));
  const auto half = [&](std::int64_t side) {
    return static_cast<std::int64_t>(ratio * static_cast<double>(side)) / 2;
  };
  const auto clipped = [](std::int64_t at, std::int64_t side) {
    return std::clamp<std::int64_t>(at, 0, side);
  };
  return {clipped(row - half(height), height), clipped(row + half(height), height),
          clipped(column - half(width), width), clipped(column + half(width), width)};
}

ROLEWISE_INLINE batch cutmix::operator()(const batch& examples, const training_progress& progress,
                                         seed key) const
{
  detail::require_mixable(name, examples, alpha);
  const bool pastes_labels = has_label_maps(examples);
  const auto all = pastes_labels ? 0 : detail::classes_of(name, classes, partners, examples.labels);
  const auto count = examples.size(), height = examples.inputs.size(2),
             width = examples.inputs.size(3);
  const auto shares = at::empty({count}, torch::kFloat);
  if (count == 0 && pastes_labels)
    return detail::pasted_batch(name, examples, examples,
                                examples.inputs.new_empty({0, 1, height, width}, torch::kBool));
  if (count == 0)
    return detail::mixed_batch(name, examples, examples, examples.inputs, shares, all);
  const auto others =
      partners.of(name, examples, key.split(purpose{"cutmix partners"}), progress.epoch);
  const auto ids = examples.ids.cpu().contiguous();
  const auto boxes = at::empty({4, count}, torch::kLong);
  auto* const edge = boxes.mutable_data_ptr<std::int64_t>();
  for (std::int64_t n = 0; n < count; ++n) {
    const draws of{key.split(purpose{"cutmix"}), progress.epoch,
                   ids.const_data_ptr<std::int64_t>()[n]};
    const draws center{key.split(purpose{"cutmix centre"}), progress.epoch,
                       ids.const_data_ptr<std::int64_t>()[n]};
    const auto box = cut_box_around(center.below(0, height), center.below(1, width),
                                    beta_draw(of, alpha, alpha), height, width);
    const std::array edges{box.top, box.bottom, box.left, box.right};
    for (std::int64_t e = 0; e < 4; ++e) edge[e * count + n] = edges[static_cast<std::size_t>(e)];
    shares.mutable_data_ptr<float>()[n] = static_cast<float>(
        1.0 - static_cast<double>(box.area()) / static_cast<double>(height * width));
  }
  const auto pasted = inside(boxes.to(examples.inputs.device()), height, width);
  if (pastes_labels) return detail::pasted_batch(name, examples, others, pasted);
  return detail::mixed_batch(name, examples, others,
                             at::where(pasted, others.inputs, examples.inputs), shares, all);
}

ROLEWISE_INLINE torch::Tensor cutmix::inside(const torch::Tensor& boxes, std::int64_t height,
                                             std::int64_t width)
{
  const auto row = at::arange(height, boxes.options()).view({1, 1, -1, 1}),
             column = at::arange(width, boxes.options()).view({1, 1, 1, -1});
  const auto edge = [&](std::int64_t e) { return boxes.select(0, e).view({-1, 1, 1, 1}); };
  return row.ge(edge(0))
      .logical_and(row.lt(edge(1)))
      .logical_and(column.ge(edge(2)).logical_and(column.lt(edge(3))));
}

}  // namespace rolewise
