// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Batched image operations, bitwise equal to those of Pillow.

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/operations_color.hpp>
#include <rolewise/agent/operations_geometric.hpp>
#include <rolewise/agent/operations_histogram.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/support/inline.hpp>

namespace rolewise {

/// Parameters of one operation, one value per image; every tensor is `[N]`, float64, on the CPU.
///
/// | operation                | `value`                                                       |
/// |--------------------------|---------------------------------------------------------------|
/// | rotate                   | degrees, counter-clockwise                                    |
/// | shear_x, shear_y         | slope: columns per row, rows per column                       |
/// | translate_x, translate_y | whole pixels, to the left, up                                 |
/// | brightness, color, contrast, sharpness | factor, 1 changes nothing                       |
/// | posterize                | bits kept, 0 .. 8                                             |
/// | solarize                 | threshold, 0 .. 256                                           |
/// | cutout                   | half the side of the box, whole pixels, around `row`, `column`|
/// | invert, equalize, autocontrast, identity | not read                                      |
struct operation_parameters {
  torch::Tensor value;
  torch::Tensor row;     ///< read by cutout alone
  torch::Tensor column;  ///< read by cutout alone
};

/// Applies one operation to a batch, with parameters per image; `from` is not modified.
///
/// Holes: geometric operations and cutout create them, the enhancers (brightness, color,
/// contrast, sharpness) keep them, and invert, posterize, solarize, equalize and autocontrast
/// make them part of the image, with the color they have. This is how Population Based
/// Augmentation treats the alpha channel; it makes the order of operations matter.
///
/// The reference implementation for the faster kernels: plain tensor operations without a loop
/// over images, on the device of the pixels (autocontrast needs float64 there).
///
/// @par Determinism
/// Integer arithmetic and single roundings: the same bits on every device and for any number of
/// threads.
/// @throws std::invalid_argument unless the parameters that are read are as described above
/// @par Source
/// Ho, Liang, Chen, Stoica, Abbeel: Population based augmentation, 2019, arXiv 1905.05393. Pixels
/// are those of Pillow 7.0 and later; `gray_rounding::down` gives those of Pillow 6.
[[nodiscard]] ROLEWISE_INLINE images apply(operation what, const images& from,
                                           const operation_parameters& parameters,
                                           gray_rounding rounding = gray_rounding::nearest);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/operations.hpp>
#endif
