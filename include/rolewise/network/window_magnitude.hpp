// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Mean magnitude of the input under each window of a convolution: XNOR-Net's K.

#include <rolewise/core/tensor.hpp>
#include <rolewise/network/convolution_shape.hpp>
#include <rolewise/support/inline.hpp>

namespace rolewise {

/// The mean of |x| under each window of a convolution of this shape over x; padding counts as 0.
///
/// XNOR-Net multiplies each output of a binary convolution by it, which brings the output closer
/// to that of the unquantized convolution. In a custom body:
///
///     auto y = convolution_(input_.of_signed(x, when), when);
///     y = y * window_magnitude(x.detach(), shape);
///
/// where `input_` is an `activation<xnor>` and x has not passed through a ReLU.
///
/// @param x `[N, I, H, W]`
/// @return `[N, 1, H', W']`, in the type of x
/// @par Gradients
/// Through |x|, 0 at 0. Implementations that use K treat it as constant, as `x.detach()` does.
/// @throws std::invalid_argument unless x has four axes and the shape's number of input channels,
///         and for a shape with groups
/// @par Source
/// Rastegari, Ordonez, Redmon, Farhadi: XNOR-Net: ImageNet Classification Using Binary
/// Convolutional Neural Networks, 2016, arXiv:1603.05279, section 3.2, equations 10 and 11.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor window_magnitude(const torch::Tensor& x,
                                                             const convolution_shape& shape);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/window_magnitude.hpp>
#endif
