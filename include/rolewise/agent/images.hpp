// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `images` type, a batch of images with a coverage mask, and the color that fills holes.

#include <rolewise/agent/label_maps.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise {

/// A batch of images with a mask of the pixels that still show the original.
///
/// A hole (a pixel from outside the original after a geometric operation, or cut out) keeps the
/// color that the operation left there: later operations compute with it, and `filled` paints it
/// over at the end.
struct images {
  /// `[N, C, H, W]`, uint8, C = 1 (gray) or 3 (red, green, blue).
  torch::Tensor pixels;
  /// `[N, 1, H, W]`, bool: false in a hole. Undefined if there are no holes.
  torch::Tensor covered;

  [[nodiscard]] std::int64_t size() const { return pixels.size(0); }
};

/// Returns the mean of the data set as a color: `round(255 mean)`, C values; black if
/// `normalization` has no mean. It normalizes to (nearly) 0.
/// @throws std::invalid_argument unless `normalization` has C means or none
[[nodiscard]] inline std::vector<std::uint8_t> mean_color(const normalization& normalization,
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

/// Returns a color as a tensor `[1, C, 1, 1]`, uint8, on a device.
[[nodiscard]] inline torch::Tensor as_pixel(const std::vector<std::uint8_t>& color,
                                            torch::Device device)
{
  const auto pixel = at::empty({1, static_cast<std::int64_t>(color.size()), 1, 1}, torch::kByte);
  std::copy(color.begin(), color.end(), pixel.mutable_data_ptr<std::uint8_t>());
  return pixel.to(device);
}

/// Returns the pixels `[N, C, H, W]` with every hole painted in the given color.
[[nodiscard]] inline torch::Tensor filled(const images& from,
                                          const std::vector<std::uint8_t>& color)
{
  if (!from.covered.defined()) return from.pixels;
  return at::where(from.covered, from.pixels, as_pixel(color, from.pixels.device()));
}

/// Throws unless a batch is valid for image agents: inputs `uint8 [N, C, H, W]` with C = 1 or 3,
/// int64 ids `[N]`, a normalization of C channels (or none), and labels that are one for each
/// example or maps of the size of the images. N may be 0.
/// @throws std::invalid_argument whose message begins with `who`
inline void require_images(std::string_view who, const batch& examples)
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
