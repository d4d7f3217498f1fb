// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A keyed pseudorandom permutation, computed element by element without a table.

#include <rolewise/core/philox.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/support/error.hpp>

#include <array>
#include <bit>
#include <cstdint>

namespace rolewise {

/// A permutation of 0 .. count - 1 that is a function of a seed; each image and each preimage is
/// computed alone, in a time that does not depend on the count.
///
/// A Feistel network of six rounds with Philox as the round function, over the smallest even
/// number of bits that holds count - 1, at least six, so that all permutations of small counts
/// are equally likely. Results outside the range are permuted again (cycle walking: at most 4
/// times on average, for counts above 16).
///
/// @par Source
/// Black, Rogaway: Ciphers with arbitrary finite domains, CT-RSA 2002.
class keyed_permutation {
 public:
  /// @throws std::invalid_argument unless `0 < count < 2^62`
  constexpr keyed_permutation(seed key, std::int64_t count)
      : key_{static_cast<std::uint32_t>(key.value), static_cast<std::uint32_t>(key.value >> 32)},
        count_{static_cast<std::uint64_t>(count)}
  {
    if (count < 1 || count >= std::int64_t{1} << 62)
      throw_invalid_argument("keyed_permutation", "want a count of 1 or more, got ", count);
    const auto bits = std::bit_width(count_ - 1);
    half_ = bits < 6 ? 3 : static_cast<int>(bits + 1) / 2;
  }

  /// The image of i. @pre 0 <= i < count
  [[nodiscard]] constexpr std::int64_t operator()(std::int64_t i) const
  {
    auto x = static_cast<std::uint64_t>(i);
    do x = through(x, false);
    while (x >= count_);
    return static_cast<std::int64_t>(x);
  }

  /// The preimage of i. @pre 0 <= i < count
  [[nodiscard]] constexpr std::int64_t inverse(std::int64_t i) const
  {
    auto x = static_cast<std::uint64_t>(i);
    do x = through(x, true);
    while (x >= count_);
    return static_cast<std::int64_t>(x);
  }

  /// The successor of i in the cyclic order that the permutation defines: differs from i unless
  /// count is 1, and no two elements have the same.
  [[nodiscard]] constexpr std::int64_t next(std::int64_t i) const
  {
    const auto at = inverse(i) + 1;
    return (*this)(at == static_cast<std::int64_t>(count_) ? 0 : at);
  }

 private:
  static constexpr std::uint32_t rounds = 6;

  [[nodiscard]] constexpr std::uint64_t through(std::uint64_t x, bool back) const
  {
    const auto mask = (std::uint64_t{1} << half_) - 1;
    auto left = x >> half_, right = x & mask;
    for (std::uint32_t step = 0; step < rounds; ++step) {
      const auto number = back ? rounds - 1 - step : step;
      const auto turned = back ? left : right;
      constexpr std::uint32_t permuting = 0x5045524D;  // separates these words from draws
      const auto words = philox({number, static_cast<std::uint32_t>(turned),
                                 static_cast<std::uint32_t>(turned >> 32), permuting},
                                key_);
      const auto other = (words[0] & mask) ^ (back ? right : left);
      left = back ? other : right;
      right = back ? turned : other;
    }
    return left << half_ | right;
  }

  std::array<std::uint32_t, 2> key_;
  std::uint64_t count_;
  int half_ = 3;
};

}  // namespace rolewise
