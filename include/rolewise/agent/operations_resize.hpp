// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The batched resize operation, bitwise equal to Pillow's.

#include <rolewise/agent/detail/resize_order.hpp>
#include <rolewise/agent/image_layers.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rolewise {

namespace detail {

/// Filter weights of a resize along one axis, for each image; all on the CPU.
struct resize_weights {
  torch::Tensor first;   ///< `[N, size]`, int64: the first source pixel
  torch::Tensor weight;  ///< `[N, size, K]`, int32: of it and the next ones; 2^22 is 1
};

/// The resampling filter at `distance` from the center of an output pixel, float64.
[[nodiscard]] inline torch::Tensor weight_at(const torch::Tensor& distance, resampling by)
{
  const auto x = distance.abs();
  if (by == resampling::bilinear) return at::where(x.lt(1.0), 1.0 - x, 0.0);
  const auto near = (x * 1.5 - 2.5) * x * x + 1.0;
  const auto far = (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5;
  return at::where(x.lt(1.0), near, at::where(x.lt(2.0), far, 0.0));
}

/// Computes the filter weights of a resize along one axis.
/// @param from, to `[N]`, float32, on the CPU: the source interval on the axis
/// @param old_size, size pixels of the axis before and after, at least 1
[[nodiscard]] inline resize_weights weights_of(const torch::Tensor& from, const torch::Tensor& to,
                                               std::int64_t old_size, std::int64_t size,
                                               resampling by)
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

/// Resamples planes `[N, C, H, W]`, uint8, along one axis (2 or 3).
[[nodiscard]] inline torch::Tensor weighed(const torch::Tensor& planes, const resize_weights& by,
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

}  // namespace detail

namespace operations {

/// Resizes a box of each image: Pillow's `resize((width, height), filter, box)`.
///
/// Weights are rounded to 2^-22, and the values between the two passes to bytes. The filter also
/// reads pixels just outside the box, where they lie within the image.
///
/// The reference implementation for the faster kernels: plain tensor operations without a loop
/// over images, on the device of the pixels.
///
/// @param pixels `[N, C, H, W]`, uint8
/// @param boxes `[N, 4]`, float32, on the CPU: left, top, right, bottom of each image, in pixels
/// @return `[N, C, to.height, to.width]`, uint8
/// @par Determinism
/// Integer arithmetic and single roundings: the same bits on every device.
/// @throws std::invalid_argument unless the tensors and the size are as described above
/// @pre `0 <= left < right <= W` and `0 <= top < bottom <= H`
/// @par Source
/// Results are those of Pillow 13.0. Earlier versions differ by a rounding where images lose more
/// than twice as many rows as columns: they resampled columns first there too.
[[nodiscard]] inline torch::Tensor resize(const torch::Tensor& pixels, const torch::Tensor& boxes,
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

}  // namespace operations

}  // namespace rolewise
