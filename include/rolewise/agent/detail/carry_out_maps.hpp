// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The geometry of an image program, and the maps of a batch that move by it: the reference
/// implementation, by tensor operations.

#include <rolewise/agent/detail/affine_map.hpp>
#include <rolewise/agent/detail/carry_out.hpp>
#include <rolewise/agent/detail/trace_program.hpp>
#include <rolewise/agent/image_program.hpp>
#include <rolewise/agent/label_maps.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace rolewise::detail {

/// Resizes planes `[N, 1, H, W]` with the nearest pixels, whatever the filter of `to` is.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor nearest_resized(const torch::Tensor& planes,
                                                            std::span<const image_box> boxes,
                                                            const image_size& to);

/// Applies the geometric operations of a layer: those of the images, on planes.
/// @param untouched never written to
ROLEWISE_INLINE void move_by_operations(images& planes, std::span<const image_step> steps,
                                        const torch::Tensor& untouched);

/// Returns the sources of the pixels of views: 1 + the row-major index in the original image, or 0
/// in a hole.
///
/// The geometric operations of images, applied to planes of numbers: they make what comes from
/// outside an image 0.
/// @param size of the images before the program
/// @return `[N, H, W]` int64
[[nodiscard]] ROLEWISE_INLINE torch::Tensor sources_after(const image_program& program,
                                                          const image_size& size,
                                                          torch::Device device);

/// Moves maps `[N, ..., H, W]` to the pixels of views; `hole` where there is no source.
/// @param sources of `sources_after`
[[nodiscard]] ROLEWISE_INLINE torch::Tensor moved(const torch::Tensor& maps,
                                                  const torch::Tensor& sources, std::int64_t hole);

/// Moves the label maps of `examples` by a program and puts them into a view. Nothing changes
/// where labels are no maps.
ROLEWISE_INLINE void carry_out_maps(const image_program& program, const batch& examples,
                                    batch& view);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/carry_out_maps.hpp>
#endif
