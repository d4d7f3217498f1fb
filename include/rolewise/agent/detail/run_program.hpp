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
#include <rolewise/agent/detail/plan_function.hpp>
#include <rolewise/agent/detail/trace_program.hpp>
#include <rolewise/agent/image_program.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/label_maps.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace rolewise::detail {

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
[[nodiscard]] ROLEWISE_INLINE image_size planned_size(plan_function plan,
                                                      const torch::Tensor& pixels);

/// Plans and executes a batch, a few images at a time, on as many threads as LibTorch uses.
/// Results are bit-equal however the images are split among threads, as plans are functions of
/// ids.
/// @param maps moved by the same program as their images
ROLEWISE_INLINE void run_batch(plan_function plan, const batch& examples, const image_sink& sink,
                               const moved_maps& maps);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/run_program.hpp>
#endif
