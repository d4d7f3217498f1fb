// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/operations_warp.hpp>.

#include <rolewise/agent/operations_warp.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <array>

namespace rolewise::detail {

ROLEWISE_INLINE warp_sources sources_of(std::span<const warp> maps, const torch::Tensor& pixels)
{
  const auto count = static_cast<std::int64_t>(maps.size());
  const auto numbers = at::empty({6, count, 1, 1}, torch::kLong);
  auto* out = numbers.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i) {
    const auto& [column, row, between] = maps[static_cast<std::size_t>(i)];
    const std::array<std::int64_t, 6> all{column.start, column.by_x, column.by_y,
                                          row.start,    row.by_x,    row.by_y};
    for (std::size_t k = 0; k < all.size(); ++k)
      out[static_cast<std::int64_t>(k) * count + i] = all[k];
  }
  const auto on_device = numbers.to(pixels.device());
  const auto x = whole_numbers(pixels.size(3), pixels.device());
  const auto y = whole_numbers(pixels.size(2), pixels.device()).unsqueeze(1);
  const auto along = [&](std::int64_t first) {
    return on_device[first] + on_device[first + 1] * x + on_device[first + 2] * y;
  };
  return {along(0), along(3)};
}

ROLEWISE_INLINE images pixels_at(const images& from, const torch::Tensor& column,
                                 const torch::Tensor& row)
{
  const auto height = from.pixels.size(2), width = from.pixels.size(3);
  const auto inside = column.ge(0)
                          .logical_and_(column.lt(width))
                          .logical_and_(row.ge(0))
                          .logical_and_(row.lt(height))
                          .unsqueeze(1);
  const auto index = row.clamp(0, height - 1).mul_(width).add_(column.clamp(0, width - 1));
  return {pick(from.pixels, index).mul_(inside),
          from.covered.defined() ? pick(from.covered, index).logical_and_(inside) : inside};
}

ROLEWISE_INLINE images warped_bilinear(const images& from, const warp_sources& at)
{
  // Relative to pixel centers, rounded to the nearest 1/256.
  constexpr std::int64_t back = (std::int64_t{1} << 23) - warp::pixel / 2;
  const auto u = (at.column + back).bitwise_right_shift_(24);
  const auto v = (at.row + back).bitwise_right_shift_(24);
  const auto left = u.bitwise_right_shift(8), top = v.bitwise_right_shift(8);
  const std::array<images, 4> four{pixels_at(from, left, top), pixels_at(from, left + 1, top),
                                   pixels_at(from, left, top + 1),
                                   pixels_at(from, left + 1, top + 1)};
  const auto all_covered = four[0]
                               .covered.logical_and(four[1].covered)
                               .logical_and_(four[2].covered)
                               .logical_and_(four[3].covered);
  const auto share = [&](const torch::Tensor& position) {
    const auto part = position.bitwise_and(255).unsqueeze(1).to(torch::kInt);
    return at::where(all_covered, part, (part + 128).bitwise_and(256));
  };
  const auto x = share(u), y = share(v);
  const std::array<torch::Tensor, 4> shares{(256 - x) * (256 - y), x * (256 - y), (256 - x) * y,
                                            x * y};
  // Where not all four pixels are covered, the nearest one has the full weight.
  auto sum = at::full_like(four[0].pixels, 0x8000, from.pixels.options().dtype(torch::kInt));
  auto covered = at::zeros_like(all_covered);
  for (std::size_t k = 0; k < four.size(); ++k) {
    sum.add_(four[k].pixels.to(torch::kInt).mul_(shares[k]));
    covered.logical_or_(four[k].covered.logical_and(shares[k].gt(0)));
  }
  return {sum.bitwise_right_shift_(16).to(torch::kByte), covered};
}

}  // namespace rolewise::detail

namespace rolewise::operations {

ROLEWISE_INLINE images warped(const images& from, std::span<const warp> maps, interpolation between)
{
  if (static_cast<std::int64_t>(maps.size()) != from.size())
    throw_invalid_argument("warped", "want a warp for each of ", from.size(), " images, got ",
                           maps.size());
  const auto at = detail::sources_of(maps, from.pixels);
  if (between == interpolation::bilinear) return detail::warped_bilinear(from, at);
  return detail::pixels_at(from, at.column.bitwise_right_shift(32), at.row.bitwise_right_shift(32));
}

}  // namespace rolewise::operations
