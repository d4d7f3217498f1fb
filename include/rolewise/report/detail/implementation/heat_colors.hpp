// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/detail/heat_colors.hpp>.

#include <rolewise/report/detail/heat_colors.hpp>

#include <algorithm>
#include <cmath>

namespace rolewise::report::detail {

ROLEWISE_INLINE rgb heat_color(double share)
{
  constexpr std::size_t last = heat_anchors.size() - 1;
  const double at = share * static_cast<double>(last);
  const auto from = std::min(static_cast<std::size_t>(at), last - 1);
  const double rest = at - static_cast<double>(from);
  rgb mixed{};
  for (std::size_t c = 0; c < mixed.size(); ++c) {
    const double begin = heat_anchors[from][c], end = heat_anchors[from + 1][c];
    mixed[c] = static_cast<std::uint8_t>(std::lround(begin + rest * (end - begin)));
  }
  return mixed;
}

ROLEWISE_INLINE std::string code_of(const rgb& color)
{
  constexpr std::string_view digits = "0123456789abcdef";
  std::string code = "#";
  for (const auto part : color) (code += digits[part >> 4U]) += digits[part & 15U];
  return code;
}

}  // namespace rolewise::report::detail
