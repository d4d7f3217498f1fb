// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The operations of RandAugment and TrivialAugment, and their parameters at a given strength.

#include <rolewise/agent/detail/opaque.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstdint>

namespace rolewise::detail {

/// The operation set of RandAugment and TrivialAugment.
inline constexpr std::array unsearched_operations{
    operation::identity,    operation::autocontrast, operation::equalize,  operation::rotate,
    operation::solarize,    operation::color,        operation::posterize, operation::contrast,
    operation::brightness,  operation::sharpness,    operation::shear_x,   operation::shear_y,
    operation::translate_x, operation::translate_y};

/// Returns a level as a fraction of the highest one. The barriers keep fast-math compilers from
/// multiplying by a rounded reciprocal, as results are truncated to whole numbers later.
[[nodiscard]] inline double share_of(std::int64_t level, double highest)
{
  return opaque(static_cast<double>(level) / opaque(highest));
}

/// Returns the parameter of an operation at a strength in [-1, 1]; at 0, operations with a
/// parameter are the identity. Only directions and enhancers use the sign. Full strength: 30
/// degrees, slope 0.3, 10/32 of a side, 4 bits kept, threshold 0, factors 1 - 0.9 and 1 + 0.9.
[[nodiscard]] ROLEWISE_INLINE double parameter_of(operation what, double strength,
                                                  std::int64_t height, std::int64_t width);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/strength.hpp>
#endif
