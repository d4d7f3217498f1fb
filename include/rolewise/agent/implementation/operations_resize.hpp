// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/operations_resize.hpp>.

#include <rolewise/agent/operations_resize.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor weight_at(const torch::Tensor& distance, resampling by)
{
  const auto x = distance.abs();
  if (by == resampling::bilinear) return at::where(x.lt(1.0), 1.0 - x, 0.0);
  const auto near = (x * 1.5 - 2.5) * x * x + 1.0;
  const auto far = (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5;
  return at::where(x.lt(1.0), near, at::where(x.lt(2.0), far, 0.0));
}

ROLEWISE_INLINE resize_weights weights_of(const torch::Tensor& from, const torch::Tensor& to,
                                          std::int64_t old_size, std::int64_t size, resampling by)
{
  const auto column = [](const torch::Tensor& t) { return t.to(torch::kDouble).unsqueeze(1); };
  const auto scale = column(to - from) / static_cast<double>(size);  // the difference is float32
  if (by == resampling::nearest) {
    // Accumulated step by step, as Pillow does.
    auto steps = scale.expand({-1, size}).clone();
    steps.select(1, 0).copy_((column(from) + scale * 0.5).squeeze(1));
    const auto pixel = steps.cumsum(1).to(torch::kLong).clamp_(0, old_size - 1);
    return {pixel, at::full({from.size(0), size, 1}, 1 << 22, torch::kInt)};
  }
  const auto stretch = scale.clamp_min(1.0), inverse = stretch.reciprocal();
  const auto reach = stretch * (by == resampling::bilinear ? 1.0 : 2.0);
  const auto middle = column(from) + (at::arange(size, torch::kDouble) + 0.5) * scale;
  const auto first = (middle - reach + 0.5).trunc().clamp_(0, old_size - 1);
  const auto last = (middle + reach + 0.5).trunc().clamp_(0, old_size);
  const auto count = last - first;
  const auto most = std::max<std::int64_t>(count.max().item<std::int64_t>(), 1);
  auto weight = at::zeros({from.size(0), size, most}, torch::kDouble);
  auto sum = at::zeros_like(middle);
  for (std::int64_t k = 0; k < most; ++k) {
    const auto place = static_cast<double>(k);
    const auto own = weight_at(((first + place) - middle + 0.5) * inverse, by);
    const auto counted = at::where(count.gt(place), own, 0.0);
    weight.select(2, k).copy_(counted);
    sum.add_(counted);
  }
  weight.div_(at::where(sum.eq(0.0), 1.0, sum).unsqueeze(2));
  const auto half = at::where(weight.lt(0.0), -0.5, 0.5);
  return {first.to(torch::kLong),
          (half + weight * static_cast<double>(1 << 22)).trunc().to(torch::kInt)};
}

ROLEWISE_INLINE torch::Tensor weighed(const torch::Tensor& planes, const resize_weights& by,
                                      std::int64_t axis)
{
  const auto old_size = planes.size(axis), size = by.first.size(1);
  auto shape = planes.sizes().vec();
  shape[static_cast<std::size_t>(axis)] = size;
  const auto along = [&](const torch::Tensor& t) {
    return (axis == 2 ? t.view({-1, 1, size, 1}) : t.view({-1, 1, 1, size})).to(planes.device());
  };
  auto sum = at::full(shape, 1 << 21, planes.options().dtype(torch::kInt));
  for (std::int64_t k = 0; k < by.weight.size(2); ++k) {
    const auto index = along((by.first + k).clamp_max(old_size - 1)).expand(shape);
    sum.add_(planes.gather(axis, index).to(torch::kInt).mul_(along(by.weight.select(2, k))));
  }
  return sum.bitwise_right_shift(22).clamp_(0, 255).to(torch::kByte);
}

}  // namespace rolewise::detail

namespace rolewise::operations {

ROLEWISE_INLINE torch::Tensor resize(const torch::Tensor& pixels, const torch::Tensor& boxes,
                                     const image_size& to)
{
  if (!pixels.defined() || pixels.dim() != 4 || pixels.scalar_type() != torch::kByte)
    throw_invalid_argument("resize", "want images of uint8 [N, C, H, W], got ",
                           pixels.defined()
                               ? detail::classic_text(pixels.scalar_type(), " ", pixels.sizes())
                               : "an undefined tensor");
  if (!boxes.defined() || boxes.dim() != 2 || boxes.size(0) != pixels.size(0) ||
      boxes.size(1) != 4 || boxes.scalar_type() != torch::kFloat || !boxes.device().is_cpu())
    throw_invalid_argument(
        "resize", "want boxes of float32 [", pixels.size(0), ", 4] on the CPU, got ",
        boxes.defined()
            ? detail::classic_text(boxes.scalar_type(), " ", boxes.sizes(), " on ", boxes.device())
            : "an undefined tensor");
  if (to.height < 1 || to.width < 1)
    throw_invalid_argument("resize", "want images of at least one pixel, got ", to.height, " x ",
                           to.width);
  const auto height = pixels.size(2), width = pixels.size(3);
  if (pixels.size(0) == 0) return pixels.new_empty({0, pixels.size(1), to.height, to.width});
  const auto side = [&](std::int64_t i) { return boxes.select(1, i); };
  const auto columns = detail::weights_of(side(0), side(2), width, to.width, to.by);
  const auto rows = detail::weights_of(side(1), side(3), height, to.height, to.by);
  return detail::resizes_rows_first(height, width, to)
             ? detail::weighed(detail::weighed(pixels, rows, 2), columns, 3)
             : detail::weighed(detail::weighed(pixels, columns, 3), rows, 2);
}

}  // namespace rolewise::operations
