// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Seeds, and the derivation of independent seeds from one.

#include <rolewise/core/philox.hpp>
#include <rolewise/core/role.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise {

/// The purpose of a random draw, by name: `purpose{"crop"}`. Two purposes never share a draw.
class purpose {
 public:
  constexpr explicit purpose(std::string_view words)
  {
    for (const char c : words) {  // FNV-1a, 64 bits
      value_ ^= static_cast<unsigned char>(c);
      value_ *= 0x100000001B3;
    }
  }

  [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }
  friend constexpr bool operator==(const purpose&, const purpose&) = default;

 private:
  std::uint64_t value_ = 0xCBF29CE484222325;
};

/// The seed of a run, one number that reproduces it. Every random draw of the library is a
/// function of a seed, so equal seeds give equal draws for any number of threads, in any order,
/// on any device.
///
/// `split` derives a new seed from this one and a purpose, role or number; this one does not
/// change.
struct seed {
  std::uint64_t value = 0;

  [[nodiscard]] constexpr seed split(purpose why) const { return split_by(why.value(), 0); }
  [[nodiscard]] constexpr seed split(role who) const
  {
    return split_by(static_cast<std::uint64_t>(who), 1);
  }
  /// Seed of the trial, population member or repetition with this number.
  [[nodiscard]] constexpr seed split(std::uint64_t number) const { return split_by(number, 2); }

  friend constexpr bool operator==(const seed&, const seed&) = default;

 private:
  [[nodiscard]] constexpr seed split_by(std::uint64_t number, std::uint32_t kind) const
  {
    constexpr std::uint32_t splitting = 0x53504C54;  // separates splits from draws
    const auto words =
        philox({static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(number >> 32), kind,
                splitting},
               {static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32)});
    return seed{words[0] | (std::uint64_t{words[1]} << 32)};
  }
};

}  // namespace rolewise
