// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/images.hpp>.

#include <rolewise/agent/images.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>

namespace rolewise {

ROLEWISE_INLINE std::vector<std::uint8_t> mean_color(const normalization& normalization,
                                                     std::int64_t channels)
{
  const auto wanted = static_cast<std::size_t>(channels);
  if (normalization.mean.empty()) return std::vector<std::uint8_t>(wanted, 0);
  if (normalization.mean.size() != wanted)
    throw_invalid_argument("mean_color", "normalization has ", normalization.mean.size(),
                           " channels, the images have ", channels);
  std::vector<std::uint8_t> color(wanted);
  std::transform(
      normalization.mean.begin(), normalization.mean.end(), color.begin(), [](double mean) {
        return static_cast<std::uint8_t>(std::clamp(std::lround(255.0 * mean), 0L, 255L));
      });
  return color;
}

ROLEWISE_INLINE torch::Tensor as_pixel(const std::vector<std::uint8_t>& color, torch::Device device)
{
  const auto pixel = at::empty({1, static_cast<std::int64_t>(color.size()), 1, 1}, torch::kByte);
  std::copy(color.begin(), color.end(), pixel.mutable_data_ptr<std::uint8_t>());
  return pixel.to(device);
}

ROLEWISE_INLINE torch::Tensor filled(const images& from, const std::vector<std::uint8_t>& color)
{
  if (!from.covered.defined()) return from.pixels;
  return at::where(from.covered, from.pixels, as_pixel(color, from.pixels.device()));
}

ROLEWISE_INLINE void require_images(std::string_view who, const batch& examples)
{
  const auto& x = examples.inputs;
  if (!x.defined() || x.dim() != 4)
    throw_invalid_argument(who, "want images [N, C, H, W], got ",
                           x.defined() ? detail::classic_text(x.sizes()) : "an undefined tensor");
  if (x.scalar_type() != torch::kByte)
    throw_invalid_argument(who, "want images of uint8, got ", x.scalar_type(), " ", x.sizes(),
                           "; change images before they are normalized");
  if (x.size(1) != 1 && x.size(1) != 3)
    throw_invalid_argument(who, "want images of 1 or 3 channels, got ", x.size(1), " in ",
                           x.sizes());
  if (x.size(2) < 1 || x.size(3) < 1)
    throw_invalid_argument(who, "want images of at least one pixel, got ", x.sizes());
  const auto& ids = examples.ids;
  if (!ids.defined() || ids.scalar_type() != torch::kLong || ids.dim() != 1 ||
      ids.size(0) != x.size(0))
    throw_invalid_argument(who, "want ids of int64 [", x.size(0), "], got ",
                           ids.defined() ? detail::classic_text(ids.scalar_type(), " ", ids.sizes())
                                         : "an undefined tensor");
  const auto means = static_cast<std::int64_t>(examples.normalization.mean.size());
  if (means != 0 && means != x.size(1))
    throw_invalid_argument(who, "normalization has ", means, " channels, the images have ",
                           x.size(1));
  detail::require_label_maps_of_size(who, examples);
}

}  // namespace rolewise
