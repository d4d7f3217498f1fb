// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Philox, the counter-based random number generator behind every random draw.

#include <array>
#include <cstdint>

namespace rolewise {

/// Philox 4x32-10: a keyed bijection of 128 bits. Nearby counters give unrelated words.
///
/// @par Source
/// Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011.
/// @par Departs
/// From LibTorch's `at::philox_engine`, which computes the same words, in being a constant
/// expression and in having no state to advance.
[[nodiscard]] constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                                            std::array<std::uint32_t, 2> key)
{
  constexpr std::uint64_t first = 0xD2511F53, second = 0xCD9E8D57;
  constexpr std::uint32_t golden_ratio = 0x9E3779B9, root_of_three = 0xBB67AE85;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = first * counter[0], b = second * counter[2];
    counter = {
        static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
        static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += golden_ratio;
    key[1] += root_of_three;
  }
  return counter;
}

}  // namespace rolewise
