// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The order of the two passes of a separable resize.

#include <rolewise/agent/image_layers.hpp>

#include <cstdint>

namespace rolewise::detail {

/// Whether the vertical pass of a resize runs before the horizontal one. Intermediate values are
/// rounded to bytes, so the order affects the result. It is Pillow's since 13.0: vertical first
/// if the image loses more than twice as many rows as columns; earlier versions always ran the
/// horizontal pass first.
[[nodiscard]] constexpr bool resizes_rows_first(std::int64_t height, std::int64_t width,
                                                const image_size& to)
{
  const auto lost = height - to.height;
  return lost > 0 && lost > 2 * (width - to.width);
}

}  // namespace rolewise::detail
