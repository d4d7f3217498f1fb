// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A digest of the results of composed operations on test images; without LibTorch, like
/// `kernel_digest.hpp`.

#include <rolewise/agent/detail/compose_warps.hpp>
#include <rolewise/agent/image_program.hpp>

#include <cstddef>
#include <cstdint>

namespace rolewise::tests {

/// The digest of the reference implementation; composed_warps_test.cpp computes it.
inline constexpr std::uint32_t warp_digest = 0x359EBD16;

inline constexpr std::size_t warp_cases = 240;

/// A program for `warp_cases` images: consecutive rotations, shears and translations, holes, fills
/// and windows.
inline image_program warp_program(std::int64_t height, std::int64_t width, interpolation between)
{
  image_program program{warp_cases};
  const auto add = [&](const auto& step_of) {
    const auto steps = program.add_operations();
    for (std::size_t n = 0; n < warp_cases; ++n) steps[n] = step_of(static_cast<int>(n));
  };
  add([](int n) -> image_step { return {operation::rotate, 0.7 * n - 84.0}; });
  add([](int n) -> image_step { return {operation::shear_x, 0.0131 * (n % 41 - 20)}; });
  add([](int n) -> image_step {
    if (n % 3 != 0) return {};
    return {n % 2 == 0 ? operation::sharpness : operation::cutout, 1.0 + n % 2, n % 13, n % 11};
  });
  add([](int n) -> image_step { return {operation::shear_y, 0.0171 * (n % 37 - 18)}; });
  add([](int n) -> image_step {
    return {n % 2 == 0 ? operation::translate_x : operation::translate_y, n % 9 - 4.3};
  });
  program.add_fill();
  const auto windows = program.add_windows();
  for (std::size_t n = 0; n < warp_cases; ++n)
    windows[n] = {static_cast<int>(n % 5) - 2, static_cast<int>(n % 7) - 3, n % 2 == 1};
  detail::compose_warps(program, 0, height, width, between);
  return program;
}

}  // namespace rolewise::tests
