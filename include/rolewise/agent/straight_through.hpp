// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Straight-through estimators: operations on images, with gradients to magnitudes and images.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/support/inline.hpp>

namespace rolewise {

/// A value with the gradient of something else: `value` forward, the identity to `stands_in`
/// backward.
/// @param value without a graph, or with one that is ignored; of the shape of `stands_in`
/// @throws std::invalid_argument for different shapes
[[nodiscard]] ROLEWISE_INLINE torch::Tensor straight_through(const torch::Tensor& value,
                                                             const torch::Tensor& stands_in);

/// Images whose every pixel has the derivative 1 with respect to a magnitude: it receives the sum
/// of the gradients of its image's pixels.
/// @param images `[N, ...]`, floating point
/// @param magnitudes `[N]`, or `[]`, one for all
/// @throws std::invalid_argument for other shapes
[[nodiscard]] ROLEWISE_INLINE torch::Tensor with_unit_slope(const torch::Tensor& images,
                                                            const torch::Tensor& magnitudes);

/// Applies an operation of augmentation to images: the value is exactly what the operation does to
/// 8-bit images, the derivative of every pixel with respect to the magnitude is 1, that with
/// respect to the pixel before is 1.
///
/// A magnitude stands for the nearest of the ten levels of `auto_augment`, at
/// `auto_augment_scale::even`: 0 is the weakest and 1 the strongest. So a policy that was learned
/// by it shows the same images as an `auto_augment` of it. What has no magnitude passes no gradient
/// to it. Holes become the mean color of `of`, black without one, as there.
///
/// @param images `[N, C, H, W]`, floating point in [0, 1]; rounded to 8 bits first
/// @param magnitudes `[N]` in [0, 1]; values outside are clamped
/// @param upward `[N]` bool: the sign of an operation that has one; undefined means upward
/// @param of normalization of the data; images are not normalized by it
/// @throws std::invalid_argument for other shapes, C other than 1 or 3, NaN, and for cutout
/// @par Source
/// Hataya, Zdenek, Yoshizoe, Nakayama: Faster AutoAugment: Learning Augmentation Strategies using
/// Backpropagation, 2019, arXiv:1911.06987, section 3.1; Li, Hu, Wang, Hospedales, Robertson, Yang:
/// DADA: Differentiable Automatic Data Augmentation, 2020, arXiv:2003.03780, section 3.3.
/// @par Departs
/// As in DADA's code the derivative for the magnitude is 1 for every operation that has one; Faster
/// AutoAugment computes it for affine maps and enhancers.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor straight_through_operation(
    const torch::Tensor& images, operation what, const torch::Tensor& magnitudes,
    const torch::Tensor& upward = {}, const normalization& of = {});

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/straight_through.hpp>
#endif
