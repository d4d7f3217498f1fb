// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/run_program.hpp>.

#include <rolewise/agent/detail/run_program.hpp>

#include <cstring>
#include <span>

namespace rolewise::detail {

ROLEWISE_INLINE bool kernels_move_maps(const batch& examples)
{
  const auto& weights = examples.weights;
  return label_maps_fit(examples) && weights_fit(examples) && examples.labels.device().is_cpu() &&
         (!weights.defined() || weights.device().is_cpu());
}

ROLEWISE_INLINE bool fits_kernels(const batch& examples)
{
  constexpr std::int64_t most_pixels = std::int64_t{1} << 28;
  const auto& x = examples.inputs;
  if (!x.defined() || x.dim() != 4 || x.scalar_type() != torch::kByte || !x.device().is_cpu())
    return false;
  if (x.numel() == 0 || (x.size(1) != 1 && x.size(1) != 3) || x.size(2) > most_pixels / x.size(3))
    return false;
  const auto& ids = examples.ids;
  if (!ids.defined() || ids.scalar_type() != torch::kLong || ids.dim() != 1 ||
      ids.size(0) != x.size(0) || !ids.device().is_cpu())
    return false;
  if (has_label_maps(examples) && !kernels_move_maps(examples)) return false;
  const auto channels = static_cast<std::size_t>(x.size(1));
  const auto fits = [&](const std::vector<double>& v) { return v.empty() || v.size() == channels; };
  return fits(examples.normalization.mean) && fits(examples.normalization.std);
}

ROLEWISE_INLINE kernels::scale scale_of(const normalization& normalization)
{
  kernels::scale by{};
  for (std::size_t c = 0; c < 3; ++c) {
    // A float product or quotient computed in double and cast back is correctly rounded.
    by.minus[c] = c < normalization.mean.size()
                      ? static_cast<float>(
                            static_cast<double>(static_cast<float>(normalization.mean[c])) * 255.0)
                      : 0.0F;
    by.times[c] = static_cast<float>(1.0 / 255.0);
    if (c < normalization.std.size()) {
      const auto wide =
          static_cast<float>(static_cast<double>(static_cast<float>(normalization.std[c])) * 255.0);
      by.times[c] = static_cast<float>(1.0 / static_cast<double>(wide));
    }
  }
  return by;
}

ROLEWISE_INLINE void run_program(kernels::canvas& image, const image_program& program,
                                 std::size_t n, const std::uint8_t* color)
{
  for (const auto& layer : program.layers()) {
    switch (layer.does) {
      case image_program::kind::operations: {
        const auto& step = program.operations(layer)[n];
        kernels::operate(image, step.what, step.value, step.row, step.column, layer.rounding);
        break;
      }
      case image_program::kind::windows: {
        const auto window = program.windows(layer)[n];
        if (window == image_window{}) break;
        image.move_rows(window.down, window.mirrored, color, true,
                        [&](std::int64_t) { return window.right; });
        break;
      }
      case image_program::kind::fill:
        image.fill(color);
        break;
      case image_program::kind::warps:
        kernels::warp_image(image, program.warps(layer)[n]);
        break;
      case image_program::kind::resizes:
        image.fill(color);
        kernels::resize(image, program.boxes(layer)[n], program.size(layer));
        break;
      case image_program::kind::rectangles:
        image.fill(color);
        kernels::paint_over(image, program.rectangles(layer)[n], program.paint(layer), color);
        break;
      case image_program::kind::hues:
        if (program.hues(layer)[n].turned) kernels::turn_hue(image, program.hues(layer)[n].by);
        break;
      case image_program::kind::upside_down:
        if (program.upside_down(layer)[n] != 0) image.turn_over();
        break;
    }
  }
  image.fill(color);
}

ROLEWISE_INLINE void image_sink::write(kernels::canvas& image, std::int64_t n) const
{
  const auto* const* planes = image.planes();
  const auto count = image.count(), channels = image.channels();
  const auto first = static_cast<std::size_t>(n) * channels * count;
  if (dtype == torch::kByte) {
    auto* to = static_cast<std::uint8_t*>(out) + first;
    for (std::size_t c = 0; c < channels; ++c, to += count) std::memcpy(to, planes[c], count);
  } else if (dtype == torch::kFloat) {
    image.passes().to_float(planes, channels, count, by, layout, static_cast<float*>(out) + first);
  } else {
    image.passes().to_bfloat16(planes, channels, count, by, layout,
                               static_cast<std::uint16_t*>(out) + first);
  }
}

}  // namespace rolewise::detail
