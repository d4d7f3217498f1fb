// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/operations.hpp>.

#include <rolewise/agent/operations.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE images apply(operation what, const images& from,
                             const operation_parameters& parameters, gray_rounding rounding)
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
