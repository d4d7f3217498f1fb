// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `interpolation` of pixel values between pixel centers.

#include <cstdint>
#include <string_view>

namespace rolewise {

/// The interpolation of a color between pixel centers: that of the `nearest` pixel, or a mean of
/// the four around it, weighted by distance (`bilinear`). `agent/warp.hpp` defines the
/// arithmetic.
enum class interpolation : std::uint8_t { nearest, bilinear };

/// The name of an interpolation, for reports.
[[nodiscard]] constexpr std::string_view name(interpolation how) noexcept
{
  return how == interpolation::nearest ? "nearest" : "bilinear";
}

}  // namespace rolewise
