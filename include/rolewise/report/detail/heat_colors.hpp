// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Color map of heat maps.

#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rolewise::report::detail {

/// Red, green, blue.
using rgb = std::array<std::uint8_t, 3>;

/// Sequential color map, from pale yellow over green to dark blue: nine colors of CIE L* 93 to 20
/// in equal steps, with hues from 100 to 285 degrees. Greater numbers are darker, so the order
/// also shows in grayscale, and white remains free for the page.
inline constexpr std::array<rgb, 9> heat_anchors{{{247, 236, 178},
                                                  {181, 221, 146},
                                                  {109, 203, 144},
                                                  {0, 180, 153},
                                                  {5, 151, 153},
                                                  {4, 124, 143},
                                                  {1, 98, 128},
                                                  {1, 72, 113},
                                                  {0, 47, 102}}};

/// The color at a share of the range from the least to the greatest number: linear interpolation
/// in sRGB between anchors. @pre 0 <= share <= 1
[[nodiscard]] ROLEWISE_INLINE rgb heat_color(double share);

/// `#00b499`.
[[nodiscard]] ROLEWISE_INLINE std::string code_of(const rgb& color);

inline constexpr std::string_view empty_cell_color = "#f7f7f7";
inline constexpr std::string_view empty_cell_line_color = "#b0b0b0";

}  // namespace rolewise::report::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/detail/implementation/heat_colors.hpp>
#endif
