// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The reference implementation of resizes, rectangles, hue rotations and flips, by tensor
/// operations.

#include <rolewise/agent/detail/noise_bytes.hpp>
#include <rolewise/agent/image_layers.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/operations_hue.hpp>
#include <rolewise/agent/operations_resize.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rolewise::detail {

[[nodiscard]] ROLEWISE_INLINE images resized(const images& from, std::span<const image_box> boxes,
                                             const image_size& to,
                                             const std::vector<std::uint8_t>& color);

[[nodiscard]] ROLEWISE_INLINE images painted_over(const images& from,
                                                  std::span<const image_rectangle> rectangles,
                                                  const image_paint& paint,
                                                  const std::vector<std::uint8_t>& color);

/// Returns the images of `part` where `chosen` `[N]` is true, and of `whole` elsewhere.
[[nodiscard]] inline torch::Tensor chosen_of(const torch::Tensor& chosen, const torch::Tensor& part,
                                             const torch::Tensor& whole)
{
  return at::where(chosen.view({-1, 1, 1, 1}).to(whole.device()), part, whole);
}

[[nodiscard]] ROLEWISE_INLINE images hues_turned(const images& from,
                                                 std::span<const image_hue> hues);

[[nodiscard]] ROLEWISE_INLINE images turned_over(const images& from,
                                                 std::span<const std::uint8_t> flags);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/carry_out_layers.hpp>
#endif
