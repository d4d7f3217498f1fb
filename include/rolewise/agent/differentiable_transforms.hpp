// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Transforms of images with gradients to what controls them: colors and affine warps, for agents
/// that learn.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

namespace rolewise {

/// The images of a batch in [0, 1]: `[N, C, H, W]`, from uint8 or from normalized ones. What was
/// black is exactly 0, although the way to normalized values and back rounds.
/// @par Gradients
/// To floating-point inputs.
/// @throws std::invalid_argument as `normalized_inputs`, and for a normalization of other channels
[[nodiscard]] ROLEWISE_INLINE torch::Tensor unit_pixels(const batch& examples,
                                                        torch::ScalarType dtype = torch::kFloat);

/// The batch with other images, given in [0, 1] and normalized as its own are: undoes
/// `unit_pixels`. On the device of the pixels.
/// @par Gradients
/// To the pixels.
/// @throws std::invalid_argument for a normalization of other channels
[[nodiscard]] ROLEWISE_INLINE batch with_unit_pixels(const batch& examples,
                                                     const torch::Tensor& pixels);

/// Reflects values into [0, 1] as a triangle wave of period 2: the identity there, 2 - v from 1 to
/// 2, -v from -1 to 0.
///
/// @par Gradients
/// 1 where floor(v) is even, -1 where it is odd.
/// @par Source
/// Suzuki: TeachAugment: Data Augmentation Optimization Using Teacher Knowledge, 2022,
/// arXiv:2202.12513; code at 66ec099, in which it is arccos(cos(pi v)) / pi.
/// @par Departs
/// |v - 2 round(v / 2)|, the same function: arccos loses 1e-4 in single precision near 0 and 1, and
/// has no slope there.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor reflected(const torch::Tensor& v);

/// Mask of the pixels whose whole row and whole column are not black, which keeps black padding
/// black.
/// @param images `[N, C, H, W]`; black is 0 in all channels
/// @return `[N, 1, H, W]`, 1 or 0 in the dtype of the images, without a graph
[[nodiscard]] ROLEWISE_INLINE torch::Tensor outside_black_bars(const torch::Tensor& images);

/// A gated change of colors: reflected(m ((1 - g + g scale) x + g shift)), m =
/// outside_black_bars(x).
///
/// @param images x in [0, 1], `[N, C, H, W]`, floating point
/// @param scale, shift broadcast against the images: for each pixel, channel or image
/// @param gate g, `[N]`; 0 changes nothing
/// @par Gradients
/// To images, scale, shift and gate.
/// @throws std::invalid_argument for other images, and unless there is a gate for each
[[nodiscard]] ROLEWISE_INLINE torch::Tensor recolored(const torch::Tensor& images,
                                                      const torch::Tensor& scale,
                                                      const torch::Tensor& shift,
                                                      const torch::Tensor& gate);

/// Warps images by affine maps: the pixel at (x, y) shows the point A (x, y, 1) of the image,
/// bilinearly, 0 outside. Coordinates run from -1 to 1 between the outer edges of the image.
///
/// @param images `[N, C, H, W]`, floating point
/// @param maps A, `[N, 2, 3]`, in the dtype of the images; [I|0] is the identity
/// @par Gradients
/// To images and maps.
/// @throws std::invalid_argument for other sizes
[[nodiscard]] ROLEWISE_INLINE torch::Tensor affine_warped(const torch::Tensor& images,
                                                          const torch::Tensor& maps);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/differentiable_transforms.hpp>
#endif
