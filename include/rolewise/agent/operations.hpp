// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Batched image operations, bitwise equal to those of Pillow.

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/operations_color.hpp>
#include <rolewise/agent/operations_geometric.hpp>
#include <rolewise/agent/operations_histogram.hpp>
#include <rolewise/policy/operation.hpp>

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
[[nodiscard]] inline images apply(operation what, const images& from,
                                  const operation_parameters& parameters,
                                  gray_rounding rounding = gray_rounding::nearest)
{
  const auto& value = parameters.value;
  switch (what) {
    case operation::rotate:
      return operations::rotate(from, value);
    case operation::translate_x:
      return operations::translate_x(from, value);
    case operation::translate_y:
      return operations::translate_y(from, value);
    case operation::brightness:
      return operations::brightness(from, value);
    case operation::color:
      return operations::color(from, value, rounding);
    case operation::invert:
      return operations::invert(from);
    case operation::sharpness:
      return operations::sharpness(from, value);
    case operation::posterize:
      return operations::posterize(from, value);
    case operation::shear_x:
      return operations::shear_x(from, value);
    case operation::solarize:
      return operations::solarize(from, value);
    case operation::shear_y:
      return operations::shear_y(from, value);
    case operation::equalize:
      return operations::equalize(from);
    case operation::autocontrast:
      return operations::autocontrast(from);
    case operation::cutout:
      return operations::cutout(from, value, parameters.row, parameters.column);
    case operation::contrast:
      return operations::contrast(from, value, rounding);
    case operation::identity:
      return from;
  }
  throw_invalid_argument("apply", "unknown operation ", static_cast<int>(what));
}

}  // namespace rolewise
