// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The header and the byte stream of a safetensors file.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/utf8.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

namespace rolewise::support {

/// Content of a safetensors file: named tensors, and metadata of name and text, each in the order
/// of the header. The file has one of each name.
struct safetensors {
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  std::vector<std::pair<std::string, std::string>> metadata;
};

}  // namespace rolewise::support

namespace rolewise::detail {

static_assert(std::endian::native == std::endian::little,
              "safetensors files hold numbers as this machine does, which has to be little-endian");

struct safetensors_dtype {
  std::string_view name;
  torch::ScalarType type;
};

inline constexpr std::array<safetensors_dtype, 16> safetensors_dtypes{{
    {"BOOL", torch::kBool},
    {"U8", torch::kByte},
    {"I8", torch::kChar},
    {"U16", torch::kUInt16},
    {"I16", torch::kShort},
    {"U32", torch::kUInt32},
    {"I32", torch::kInt},
    {"U64", torch::kUInt64},
    {"I64", torch::kLong},
    {"F8_E5M2", torch::kFloat8_e5m2},
    {"F8_E4M3", torch::kFloat8_e4m3fn},
    {"F16", torch::kHalf},
    {"BF16", torch::kBFloat16},
    {"F32", torch::kFloat},
    {"F64", torch::kDouble},
    {"C64", torch::kComplexFloat},
}};

inline constexpr std::string_view safetensors_metadata = "__metadata__";
inline constexpr std::uint64_t longest_safetensors_header = 100'000'000;  // of the Rust library
inline constexpr std::size_t safetensors_alignment = 64;                  // of the buffer

/// The elements of a tensor on the CPU, in row-major order.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor row_major(const torch::Tensor& t);

[[nodiscard]] ROLEWISE_INLINE std::string_view bytes_of(const torch::Tensor& row_major);

[[nodiscard]] ROLEWISE_INLINE const safetensors_dtype& dtype_of(const std::string& name,
                                                                const torch::Tensor& t);

/// The order of tensors in the buffer: by size of the element, largest first, so that without
/// holes each is aligned to its elements.
[[nodiscard]] ROLEWISE_INLINE std::vector<std::size_t> buffer_order(
    const support::safetensors& content);

/// @throws std::invalid_argument for a name that a reader would take for another one
template<typename Named>
void require_names(const std::vector<std::pair<std::string, Named>>& all)
{
  std::unordered_set<std::string_view> seen;
  for (const auto& [name, x] : all) {
    if (!is_utf8(name)) throw_invalid_argument("safetensors", "'", name, "' is not in UTF-8");
    // Beside tensors alone: within the metadata it is an entry like another.
    if (std::is_same_v<Named, torch::Tensor> && name == safetensors_metadata)
      throw_invalid_argument("safetensors", "'", name, "' is reserved");
    if (!seen.insert(name).second)
      throw_invalid_argument("safetensors", "'", name, "' is there twice, want it once");
  }
}

/// Returns everything before the buffer: the length, the JSON and its padding.
/// @throws std::invalid_argument for content that such a file cannot hold
[[nodiscard]] ROLEWISE_INLINE std::string safetensors_header(const support::safetensors& content);

/// Passes the bytes of a file in their order to `write(bytes)`, which returns 0 or an error. At
/// most one tensor is copied at a time.
/// @return the first error of `write`, or 0
template<typename Write>
[[nodiscard]] int stream_safetensors(std::string_view header, const support::safetensors& content,
                                     Write&& write)
{
  if (const int error = write(header)) return error;
  for (const auto i : buffer_order(content)) {
    const auto flat = row_major(content.tensors[i].second);
    if (const int error = write(bytes_of(flat))) return error;
  }
  return 0;
}

/// Writes a file under a given header, as `write_safetensors` does; small tensors in blocks.
ROLEWISE_INLINE void write_safetensors_file(const std::string& path, std::string_view header,
                                            const support::safetensors& content);

/// Returns the bytes of a file under a given header.
[[nodiscard]] ROLEWISE_INLINE std::string safetensors_bytes(std::string_view header,
                                                            const support::safetensors& content);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/safetensors_writer.hpp>
#endif
