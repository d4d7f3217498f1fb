// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Constants and entry headers of the checkpoint format: docs/checkpoint_format.md.

#include <rolewise/core/tensor.hpp>

#include <zlib.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise::detail {

static_assert(std::endian::native == std::endian::little,
              "checkpoints are written as the machine stores numbers, and that is little-endian");

inline constexpr std::string_view state_magic{"\x89rwck\r\n\x1a", 8};
inline constexpr std::uint32_t state_version = 1;
inline constexpr std::size_t state_header_size = 28;

[[nodiscard]] inline std::uint32_t crc_of(std::string_view bytes)
{
  return static_cast<std::uint32_t>(
      ::crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

/// Dtype codes of the file format; LibTorch's own may change.
inline constexpr std::array<torch::ScalarType, 12> state_types{
    torch::kFloat32, torch::kFloat64, torch::kFloat16,   torch::kBFloat16,
    torch::kUInt8,   torch::kInt8,    torch::kInt16,     torch::kInt32,
    torch::kInt64,   torch::kBool,    at::kComplexFloat, at::kComplexDouble};

enum class entry_kind : std::uint8_t {
  parameter = 0,
  buffer = 1,
  boolean = 2,
  integer = 3,
  real = 4,
  text = 5,
  integers = 6,
  reals = 7,
  texts = 8,
};

/// Header of one entry, without its name and payload.
struct entry_head {
  entry_kind kind = entry_kind::buffer;
  std::uint8_t type = 0;    ///< index in `state_types`, from 1; 0: an undefined tensor, or a value
  std::uint8_t layout = 0;  ///< 1: channels last
  std::vector<std::int64_t> sizes;
  std::uint64_t length = 0;  ///< of the payload, in bytes
};

}  // namespace rolewise::detail
