// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/run_program.hpp>.

#include <rolewise/agent/detail/run_program.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/parallel_for.hpp>

#include <ATen/Parallel.h>

#include <algorithm>

#include <cstring>
#include <span>

namespace rolewise::detail {

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

ROLEWISE_INLINE image_size planned_size(plan_function plan, const torch::Tensor& pixels)
{
  const workspace_lease lease;
  auto& program = (*lease).program;
  program.restart(0);
  plan(image_subjects{{}, pixels.size(1), pixels.size(2), pixels.size(3)}, program);
  return program.size_after({pixels.size(2), pixels.size(3)});
}

ROLEWISE_INLINE void run_batch(plan_function plan, const batch& examples, const image_sink& sink,
                               const moved_maps& maps)
{
  const auto pixels = examples.inputs.contiguous();
  const auto ids = examples.ids.contiguous();
  const auto images = pixels.size(0), channels = pixels.size(1);
  const auto height = pixels.size(2), width = pixels.size(3);
  const auto size = channels * height * width;
  const auto* const image = pixels.const_data_ptr<std::uint8_t>();
  const auto* const id = ids.const_data_ptr<std::int64_t>();
  const auto color = mean_color(examples.normalization, channels);

  constexpr std::int64_t worth_a_thread = 1 << 16;  // bytes, tens of microseconds of work
  const int threads = images * size < worth_a_thread ? 1 : at::get_num_threads();
  // Small pieces, since a sleeping thread starts late; a single thread takes larger ones.
  const auto at_a_time =
      std::clamp<std::int64_t>(threads == 1 ? images : images / (16 * threads), 1, 32);
  parallel_for((images + at_a_time - 1) / at_a_time, threads, [&](std::int64_t piece) {
    const workspace_lease lease;
    auto& [canvas, program, sources] = *lease;
    const auto first = piece * at_a_time;
    const auto count = static_cast<std::size_t>(std::min(at_a_time, images - first));
    program.restart(count);
    plan(image_subjects{{id + first, count}, channels, height, width}, program);
    const auto after = program.size_after({height, width});
    if (after.height != sink.height || after.width != sink.width)
      throw_invalid_argument("image_program", "some images become ", sink.height, " x ", sink.width,
                             ", others ", after.height, " x ", after.width);
    for (std::size_t i = 0; i < count; ++i) {
      const auto n = first + static_cast<std::int64_t>(i);
      canvas.load(image + n * size, channels, height, width);
      run_program(canvas, program, i, color.data());
      sink.write(canvas, n);
      if (!maps.are_none()) maps.move(sources, program, i, n);
    }
  });
}

}  // namespace rolewise::detail
