// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Execution of image programs by kernels, image by image.

#include <rolewise/agent/detail/kernels/hue.hpp>
#include <rolewise/agent/detail/kernels/operate.hpp>
#include <rolewise/agent/detail/kernels/paint_over.hpp>
#include <rolewise/agent/detail/kernels/resize.hpp>
#include <rolewise/agent/detail/kernels/variants.hpp>
#include <rolewise/agent/detail/kernels/warp.hpp>
#include <rolewise/agent/detail/trace_program.hpp>
#include <rolewise/agent/image_program.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/label_maps.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/parallel_for.hpp>

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Whether the kernels move the label maps of a batch, which has some.
[[nodiscard]] ROLEWISE_INLINE bool kernels_move_maps(const batch& examples);

/// Whether the kernels support a batch. Does not throw: image agents reject anything but
/// `uint8 [N, C, H, W]`, and label maps of another size, with their own messages.
[[nodiscard]] ROLEWISE_INLINE bool fits_kernels(const batch& examples);

/// Returns the constants of `normalized_inputs` for the kernels.
[[nodiscard]] ROLEWISE_INLINE kernels::scale scale_of(const normalization& normalization);

/// Working memory of a thread, kept for the next batch.
struct image_workspace {
  kernels::canvas canvas{kernels::best()};
  image_program program;
  kernels::source_plane sources{kernels::best()};
};

/// Exclusive use of this thread's workspace. A nested lease in the same thread gets a new one.
class workspace_lease {
 public:
  workspace_lease() : held_{std::move(waiting())}
  {
    if (!held_) held_ = std::make_unique<image_workspace>();
  }
  workspace_lease(const workspace_lease&) = delete;
  workspace_lease& operator=(const workspace_lease&) = delete;
  ~workspace_lease() { waiting() = std::move(held_); }

  [[nodiscard]] image_workspace& operator*() const { return *held_; }

 private:
  [[nodiscard]] static std::unique_ptr<image_workspace>& waiting()
  {
    thread_local std::unique_ptr<image_workspace> workspace;
    return workspace;
  }

  std::unique_ptr<image_workspace> held_;
};

/// Applies a program to its image number `n`, which is loaded in the canvas.
ROLEWISE_INLINE void run_program(kernels::canvas& image, const image_program& program,
                                 std::size_t n, const std::uint8_t* color);

/// The output memory of images and their format.
struct image_sink {
  torch::ScalarType dtype;  ///< uint8, float32 or bfloat16
  kernels::layout layout;   ///< of floating point; uint8 is always planes
  kernels::scale by;
  void* out;
  std::int64_t height, width;  ///< of the output images

  void write(kernels::canvas& image, std::int64_t n) const;
};

/// Returns the size of the images `[N, C, H, W]` after a plan.
template<typename Plan>
[[nodiscard]] image_size planned_size(const Plan& plan, const torch::Tensor& pixels)
{
  const workspace_lease lease;
  auto& program = (*lease).program;
  program.restart(0);
  plan(image_subjects{{}, pixels.size(1), pixels.size(2), pixels.size(3)}, program);
  return program.size_after({pixels.size(2), pixels.size(3)});
}

/// Plans and executes a batch, a few images at a time, on as many threads as LibTorch uses.
/// Results are bit-equal however the images are split among threads, as plans are functions of
/// ids.
/// @param plan called with `(const image_subjects&, image_program&)`, from several threads at once
/// @param maps moved by the same program as their images
template<typename Plan>
void run_batch(const Plan& plan, const batch& examples, const image_sink& sink,
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

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/run_program.hpp>
#endif
