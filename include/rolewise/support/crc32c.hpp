// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// CRC-32C, the cyclic redundancy check with Castagnoli's polynomial.

#include <rolewise/support/namespaces.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rolewise::support {

namespace detail {

/// The remainders of all bytes, for the reflected polynomial.
inline constexpr auto crc32c_of_bytes = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    auto rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1U) != 0 ? 0x82F63B78U : 0U);
    table[byte] = rest;
  }
  return table;
}();

}  // namespace detail

/// The CRC-32C of bytes.
///
/// @par Source
/// RFC 3720, section 12.1 and appendix B.4: the digest of iSCSI, with its test vectors.
[[nodiscard]] constexpr std::uint32_t crc32c(std::string_view bytes) noexcept
{
  std::uint32_t rest = 0xFFFFFFFFU;
  for (const char c : bytes)
    rest = (rest >> 8) ^ detail::crc32c_of_bytes[(rest ^ static_cast<unsigned char>(c)) & 0xFFU];
  return ~rest;
}

}  // namespace rolewise::support
