// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/operation_encoders.hpp>.

#include <rolewise/agent/operation_encoders.hpp>

#include <rolewise/agent/differentiable_transforms.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/operations.hpp>
#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/conv2d.h>

#include <utility>

namespace rolewise {

namespace detail {

/// The parameters of `apply` for entry b of the table: `[N]`, float64.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor table_entry(operation what, const torch::Tensor& b,
                                                        const torch::Tensor& sign,
                                                        std::int64_t height, std::int64_t width);

ROLEWISE_INLINE torch::Tensor table_entry(operation what, const torch::Tensor& b,
                                          const torch::Tensor& sign, std::int64_t height,
                                          std::int64_t width)
{
  const auto share = b / 9.0;
  const auto pixels = [&](std::int64_t side) {
    return (sign * share * (150.0 / 331.0 * static_cast<double>(side))).round();
  };
  if (is_enhancer(what)) return sign * share * 0.9 + 1.0;
  switch (what) {
    case operation::posterize:
      return (8.0 - 4.0 * share).round();
    case operation::solarize:
      return (255.0 * (1.0 - share)).ceil();
    case operation::shear_x:
    case operation::shear_y:
      return sign * share * 0.3;
    case operation::translate_x:
      return pixels(width);
    case operation::translate_y:
      return pixels(height);
    case operation::rotate:
      return sign * share * 30.0;
    default:
      throw_invalid_argument("at_magnitude", "want one of the ", encoded_operations.size(),
                             " operations that encoders imitate, got ", name(what));
  }
}

/// A vector with a row of numbers for each magnitude: `[N, features + 1]`.
[[nodiscard]] inline torch::Tensor rows_beside(const torch::Tensor& rows, const torch::Tensor& r)
{
  return at::cat({rows.expand({r.size(0), rows.size(-1)}), r.unsqueeze(1)}, 1);
}

}  // namespace detail

ROLEWISE_INLINE torch::Tensor at_magnitude(operation what, const torch::Tensor& pixels,
                                           const torch::Tensor& magnitude,
                                           const normalization& scale)
{
  const auto r = magnitude.detach().to(torch::kCPU, torch::kDouble);
  // A magnitude such as 0.3 in float32 belongs to the entry that it is written as.
  const auto b = (r.abs() * 10.0 + 1e-6).floor().clamp_max(9.0);
  const auto value = detail::table_entry(what, b, r.sign(), pixels.size(2), pixels.size(3));
  const images from{pixels, {}};
  return filled(apply(what, from, {.value = value, .row = {}, .column = {}}),
                mean_color(scale, pixels.size(1)));
}

ROLEWISE_INLINE color_encoder::color_encoder(std::int64_t channels, seed key)
    : features_{uniform_tensor({features}, key.split(purpose{"color-encoder"}), 1.0)},
      maps_{at::zeros({2, 2, features + 1})},
      kernel_{at::zeros({channels, channels, 5, 5})},
      bias_{at::zeros({channels})}
{
  for (std::int64_t c = 0; c < channels; ++c) kernel_->select(0, c).select(0, c)[2][2] = 1.0;
  for (auto* each : {&features_, &maps_, &kernel_, &bias_}) (*each)->set_requires_grad(true);
}

ROLEWISE_INLINE torch::Tensor color_encoder::operator()(const torch::Tensor& x,
                                                        const torch::Tensor& r,
                                                        const torch::Tensor& noise) const
{
  const auto raw = detail::rows_beside(*features_ + noise / 100.0, r).matmul(maps_->sum(0).t());
  const auto moved = (raw.sigmoid() - 0.5).unsqueeze(2).unsqueeze(3);
  const auto scale = moved.narrow(1, 0, 1) * range + 1.0;
  const auto shift = moved.narrow(1, 1, 1);
  return at::conv2d((scale * x + shift) * outside_black_bars(x), *kernel_, *bias_, 1, 2);
}

ROLEWISE_INLINE affine_encoder::affine_encoder(seed key)
    : features_{uniform_tensor({features}, key.split(purpose{"affine-encoder"}), 1.0)},
      weight_{at::zeros({6, features + 1})},
      bias_{at::tensor(std::vector<double>{1, 0, 0, 0, 1, 0}, torch::kFloat)}
{
  for (auto* each : {&features_, &weight_, &bias_}) (*each)->set_requires_grad(true);
}

ROLEWISE_INLINE torch::Tensor affine_encoder::maps(const torch::Tensor& r) const
{
  return (detail::rows_beside(*features_, r).matmul(weight_->t()) + *bias_).view({-1, 2, 3});
}

ROLEWISE_INLINE torch::Tensor affine_encoder::operator()(const torch::Tensor& x,
                                                         const torch::Tensor& r,
                                                         const torch::Tensor& fill) const
{
  return affine_warped(x - fill, maps(r)) + fill;
}

ROLEWISE_INLINE operation_encoders operation_encoders::untrained(std::int64_t channels, seed key)
{
  operation_encoders all;
  for (std::size_t k = 0; k < encoded_operations.size(); ++k) {
    const auto own = key.split(static_cast<std::uint64_t>(k));
    if (k < color_encoders)
      all.color.emplace_back(channels, own);
    else
      all.affine.emplace_back(own);
  }
  return all;
}

ROLEWISE_INLINE void operation_encoders::set_requires_grad(bool wanted)
{
  for_each_tensor(*this, [&](const std::string&, torch::Tensor& t, tensor_kind) {
    t.set_requires_grad(wanted);
  });
}

ROLEWISE_INLINE void operation_encoders::to(torch::Device device)
{
  for_each_tensor(*this, [&](const std::string&, torch::Tensor& t, tensor_kind) {
    t = t.detach().to(device).set_requires_grad(t.requires_grad());
  });
}

}  // namespace rolewise
