// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What lies between the pixels of an image.

#include <cstdint>
#include <string_view>

namespace rolewise {

/// The colour at a place between pixels: that of the `nearest` one, or a mean of the four around
/// it by their distances (`bilinear`). `agent/warp.hpp` has the arithmetic.
enum class interpolation : std::uint8_t { nearest, bilinear };

[[nodiscard]] constexpr std::string_view name(interpolation how) noexcept
{
  return how == interpolation::nearest ? "nearest" : "bilinear";
}

}  // namespace rolewise
