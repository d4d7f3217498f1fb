// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Which direction of a resize comes first.

#include <rolewise/agent/image_layers.hpp>

#include <cstdint>

namespace rolewise::detail {

/// Whether rows are weighed before columns. The values between are rounded to bytes, so that the
/// order shows in the result: it is Pillow's since 13.0, rows first if they lose more than twice as
/// many pixels as columns do; earlier Pillows always began with the columns.
[[nodiscard]] constexpr bool resizes_rows_first(std::int64_t height, std::int64_t width,
                                                const image_size& to)
{
  const auto lost = height - to.height;
  return lost > 0 && lost > 2 * (width - to.width);
}

}  // namespace rolewise::detail
