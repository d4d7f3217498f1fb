// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/operations_geometric.hpp>.

#include <rolewise/agent/operations_geometric.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>

#include <numbers>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor pick(const torch::Tensor& planes, const torch::Tensor& index)
{
  const auto flat = index.flatten(1).unsqueeze(1).expand({-1, planes.size(1), -1});
  return planes.flatten(2).gather(2, flat).view(
      {planes.size(0), planes.size(1), index.size(1), index.size(2)});
}

ROLEWISE_INLINE torch::Tensor source(const torch::Tensor& start, const torch::Tensor& by_x,
                                     const torch::Tensor& by_y, const torch::Tensor& pixels)
{
  const auto to_device = [&](const torch::Tensor& t) {
    return fixed_point(t).view({-1, 1, 1}).to(pixels.device());
  };
  const auto x = whole_numbers(pixels.size(3), pixels.device());
  const auto y = whole_numbers(pixels.size(2), pixels.device()).unsqueeze(1);
  auto along_y = to_device(start + by_x * 0.5 + by_y * 0.5) + to_device(by_y) * y;
  return (along_y + to_device(by_x) * x).bitwise_right_shift(16);
}

ROLEWISE_INLINE torch::Tensor outside_box(const torch::Tensor& half, const torch::Tensor& row,
                                          const torch::Tensor& column, const torch::Tensor& pixels)
{
  const auto to_device = [&](const torch::Tensor& t) {
    return t.to(torch::kLong).view({-1, 1, 1, 1}).to(pixels.device());
  };
  const auto x = whole_numbers(pixels.size(3), pixels.device());
  const auto y = whole_numbers(pixels.size(2), pixels.device()).unsqueeze(1);
  const auto beside = x.lt(to_device(column - half)).logical_or_(x.ge(to_device(column + half)));
  const auto above_or_below = y.lt(to_device(row - half)).logical_or_(y.ge(to_device(row + half)));
  return beside.logical_or(above_or_below);
}

}  // namespace rolewise::detail

namespace rolewise::operations {

ROLEWISE_INLINE images affine(const images& from, const torch::Tensor& matrix)
{
  const auto& pixels = from.pixels;
  const auto height = pixels.size(2), width = pixels.size(3);
  if (!matrix.defined() || matrix.dim() != 2 || matrix.size(0) != from.size() ||
      matrix.size(1) != 6 || matrix.scalar_type() != torch::kDouble)
    throw_invalid_argument("affine", "want a matrix of float64 [", from.size(), ", 6], got ",
                           matrix.defined()
                               ? detail::classic_text(matrix.scalar_type(), " ", matrix.sizes())
                               : "an undefined tensor");
  const auto entry = [&](std::int64_t i) { return matrix.select(1, i); };
  auto column = detail::source(entry(2), entry(0), entry(1), pixels);
  auto row = detail::source(entry(5), entry(3), entry(4), pixels);

  const auto inside = column.ge(0)
                          .logical_and_(column.lt(width))
                          .logical_and_(row.ge(0))
                          .logical_and_(row.lt(height));
  const auto index = row.clamp_(0, height - 1).mul_(width).add_(column.clamp_(0, width - 1));
  const auto covered = inside.unsqueeze(1);
  return {
      detail::pick(pixels, index).mul_(covered),
      from.covered.defined() ? detail::pick(from.covered, index).logical_and_(covered) : covered};
}

ROLEWISE_INLINE images rotate(const images& from, const torch::Tensor& degrees)
{
  const auto angles = detail::per_sample("rotate", degrees, from.size());
  // Rounded to 15 digits, so that right angles are exact.
  const auto rounded = [](const torch::Tensor& t) { return (t * 1e15).round() / 1e15; };
  const auto radians = angles.remainder(360.0) * (-std::numbers::pi / 180.0);
  const auto cosine = rounded(radians.cos()), sine = rounded(radians.sin());
  const double x = 0.5 * static_cast<double>(from.pixels.size(3));
  const double y = 0.5 * static_cast<double>(from.pixels.size(2));
  return affine(from, at::stack({cosine, sine, cosine * -x + sine * -y + x, -sine, cosine,
                                 sine * x + cosine * -y + y},
                                1));
}

ROLEWISE_INLINE images shear_x(const images& from, const torch::Tensor& slope)
{
  const auto s = detail::per_sample("shear_x", slope, from.size());
  const auto zero = at::zeros_like(s), one = at::ones_like(s);
  return affine(from, at::stack({one, s, zero, zero, one, zero}, 1));
}

ROLEWISE_INLINE images shear_y(const images& from, const torch::Tensor& slope)
{
  const auto s = detail::per_sample("shear_y", slope, from.size());
  const auto zero = at::zeros_like(s), one = at::ones_like(s);
  return affine(from, at::stack({one, zero, zero, s, one, zero}, 1));
}

ROLEWISE_INLINE images translate_x(const images& from, const torch::Tensor& distance)
{
  const auto t = detail::per_sample("translate_x", distance, from.size());
  const auto zero = at::zeros_like(t), one = at::ones_like(t);
  return affine(from, at::stack({one, zero, t, zero, one, zero}, 1));
}

ROLEWISE_INLINE images translate_y(const images& from, const torch::Tensor& distance)
{
  const auto t = detail::per_sample("translate_y", distance, from.size());
  const auto zero = at::zeros_like(t), one = at::ones_like(t);
  return affine(from, at::stack({one, zero, zero, zero, one, t}, 1));
}

ROLEWISE_INLINE std::vector<std::uint8_t> cut_color(std::int64_t channels)
{
  if (channels == 3) return {125, 122, 113};
  return std::vector<std::uint8_t>(static_cast<std::size_t>(channels), 122);
}

ROLEWISE_INLINE images cutout(const images& from, const torch::Tensor& half,
                              const torch::Tensor& row, const torch::Tensor& column)
{
  const auto n = from.size();
  const auto kept = detail::outside_box(detail::per_sample("cutout", half, n),
                                        detail::per_sample("cutout", row, n),
                                        detail::per_sample("cutout", column, n), from.pixels);
  const images cut{from.pixels, kept};
  return {filled(cut, cut_color(from.pixels.size(1))),
          from.covered.defined() ? from.covered.logical_and(kept) : kept};
}

}  // namespace rolewise::operations
