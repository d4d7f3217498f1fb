// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/differentiable_transforms.hpp>.

#include <rolewise/agent/differentiable_transforms.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/affine_grid_generator.h>
#include <ATen/ops/grid_sampler.h>

#include <cstdint>
#include <string_view>

namespace rolewise {

namespace detail {

inline void require_channels(std::string_view who, const normalization& of, const torch::Tensor& x)
{
  for (const auto* values : {&of.mean, &of.std})
    if (!values->empty() &&
        (x.dim() != 4 || static_cast<std::int64_t>(values->size()) != x.size(1)))
      throw_invalid_argument(who, "normalization has ", values->size(),
                             " channels, the images are ", x.sizes());
}

}  // namespace detail

ROLEWISE_INLINE torch::Tensor unit_pixels(const batch& examples, torch::ScalarType dtype)
{
  const auto& [mean, std] = examples.normalization;
  if (!examples.inputs.defined() || !examples.inputs.is_floating_point()) {
    auto unscaled = examples;
    unscaled.normalization = {};
    return normalized_inputs(unscaled, dtype);
  }
  auto x = normalized_inputs(examples, dtype);
  detail::require_channels("unit_pixels", examples.normalization, x);
  if (!std.empty()) x = x * detail::per_channel(std, x).to(dtype);
  if (!mean.empty()) x = x + detail::per_channel(mean, x).to(dtype);
  return x.masked_fill(x.detach().abs().lt(1e-5), 0.0);
}

ROLEWISE_INLINE batch with_unit_pixels(const batch& examples, const torch::Tensor& pixels)
{
  detail::require_channels("with_unit_pixels", examples.normalization, pixels);
  auto view = to_device(examples, pixels.device());
  const auto& [mean, std] = examples.normalization;
  view.inputs = pixels;
  if (!mean.empty()) view.inputs = view.inputs - detail::per_channel(mean, pixels);
  if (!std.empty()) view.inputs = view.inputs / detail::per_channel(std, pixels);
  view.normalization = {};
  view.view = {};
  return view;
}

ROLEWISE_INLINE torch::Tensor reflected(const torch::Tensor& v)
{
  const auto at = v.detach();
  const auto half = at / 2.0;
  const auto slope = at.floor().remainder(2.0).mul(-2.0).add(1.0);
  return (at - half.round() * 2.0).abs() + slope * (v - at);
}

ROLEWISE_INLINE torch::Tensor outside_black_bars(const torch::Tensor& images)
{
  const auto shows = images.detach().ne(0).any(1, true);
  return shows.any(3, true).logical_and(shows.any(2, true)).to(images.scalar_type());
}

ROLEWISE_INLINE torch::Tensor recolored(const torch::Tensor& images, const torch::Tensor& scale,
                                        const torch::Tensor& shift, const torch::Tensor& gate)
{
  if (images.dim() != 4 || !images.is_floating_point())
    throw_invalid_argument("recolored", "want images [N, C, H, W] of floating point, got ",
                           images.scalar_type(), " ", images.sizes());
  if (gate.dim() != 1 || gate.size(0) != images.size(0))
    throw_invalid_argument("recolored", "want a gate for each of ", images.size(0), " images, got ",
                           gate.sizes());
  const auto g = gate.view({-1, 1, 1, 1});
  return reflected(outside_black_bars(images) * ((1.0 - g + g * scale) * images + g * shift));
}

ROLEWISE_INLINE torch::Tensor affine_warped(const torch::Tensor& images, const torch::Tensor& maps)
{
  if (images.dim() != 4 || !images.is_floating_point())
    throw_invalid_argument("affine_warped", "want images [N, C, H, W] of floating point, got ",
                           images.scalar_type(), " ", images.sizes());
  if (maps.sizes() != at::IntArrayRef{images.size(0), 2, 3} ||
      maps.scalar_type() != images.scalar_type())
    throw_invalid_argument("affine_warped", "want maps [", images.size(0), ", 2, 3] of ",
                           images.scalar_type(), ", got ", maps.scalar_type(), " ", maps.sizes());
  constexpr int bilinear = 0, zeros = 0;
  return at::grid_sampler(images, at::affine_grid_generator(maps, images.sizes(), false), bilinear,
                          zeros, false);
}

}  // namespace rolewise
