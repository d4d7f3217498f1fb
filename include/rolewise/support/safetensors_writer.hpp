// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The header and the byte stream of a safetensors file.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/utf8.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <string>
#include <string_view>
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
[[nodiscard]] inline torch::Tensor row_major(const torch::Tensor& t)
{
  if (t.is_cpu() && t.is_contiguous() && !t.is_conj() && !t.is_neg()) return t;
  return t.detach().cpu().resolve_conj().resolve_neg().contiguous();
}

[[nodiscard]] inline std::string_view bytes_of(const torch::Tensor& row_major)
{
  if (row_major.numel() == 0) return {};
  return {static_cast<const char*>(row_major.const_data_ptr()), row_major.nbytes()};
}

[[nodiscard]] inline const safetensors_dtype& dtype_of(const std::string& name,
                                                       const torch::Tensor& t)
{
  if (!t.defined())
    throw_invalid_argument("safetensors", "cannot hold '", name, "', which is undefined");
  const auto found =
      std::ranges::find(safetensors_dtypes, t.scalar_type(), &safetensors_dtype::type);
  if (found == safetensors_dtypes.end())
    throw_invalid_argument("safetensors", "cannot hold '", name, "' of type ", t.scalar_type());
  if (t.layout() != torch::kStrided)
    throw_invalid_argument("safetensors", "cannot hold '", name, "' of layout ", t.layout(),
                           ", want a strided tensor");
  return *found;
}

/// The order of tensors in the buffer: by size of the element, largest first, so that without
/// holes each is aligned to its elements.
[[nodiscard]] inline std::vector<std::size_t> buffer_order(const support::safetensors& content)
{
  std::vector<std::size_t> order(content.tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [&](std::size_t i) { return content.tensors[i].second.element_size(); });
  return order;
}

/// @throws std::invalid_argument for a name that a reader would take for another one
template<typename Named>
void require_names(const std::vector<std::pair<std::string, Named>>& all)
{
  std::unordered_set<std::string_view> seen;
  for (const auto& [name, x] : all) {
    if (!is_utf8(name)) throw_invalid_argument("safetensors", "'", name, "' is not in UTF-8");
    if (name == safetensors_metadata)
      throw_invalid_argument("safetensors", "'", name, "' is reserved");
    if (!seen.insert(name).second)
      throw_invalid_argument("safetensors", "'", name, "' is there twice, want it once");
  }
}

/// Returns everything before the buffer: the length, the JSON and its padding.
/// @throws std::invalid_argument for content that such a file cannot hold
[[nodiscard]] inline std::string safetensors_header(const support::safetensors& content)
{
  require_names(content.metadata);
  require_names(content.tensors);
  std::uint64_t length = 0, size = 0;
  std::string header(sizeof length, '\0');
  header += '{';
  const auto begin_member = [&](std::string_view name) {
    if (header.back() != '{') header += ", ";
    header.append(json_text(name)).append(": ");
  };
  if (!content.metadata.empty()) {
    begin_member(safetensors_metadata);
    header += '{';
    for (const auto& [name, text] : content.metadata) {
      if (!is_utf8(text))
        throw_invalid_argument("safetensors", "the text of '", name, "' is not in UTF-8");
      begin_member(name);
      header += json_text(text);
    }
    header += '}';
  }
  std::vector<std::string_view> dtypes;
  for (const auto& [name, t] : content.tensors) dtypes.push_back(dtype_of(name, t).name);
  std::vector<std::uint64_t> begins(content.tensors.size());
  for (const auto i : buffer_order(content))
    begins[i] = std::exchange(size, size + content.tensors[i].second.nbytes());
  for (std::size_t i = 0; i < begins.size(); ++i) {
    const auto& [name, t] = content.tensors[i];
    begin_member(name);
    header.append("{\"dtype\": \"").append(dtypes[i]).append("\", \"shape\": [");
    for (std::int64_t d = 0; d < t.dim(); ++d)
      header.append(d > 0 ? ", " : "").append(std::to_string(t.size(d)));
    header.append("], \"data_offsets\": [").append(std::to_string(begins[i])).append(", ");
    header.append(std::to_string(begins[i] + t.nbytes())).append("]}");
  }
  header += '}';
  const auto beyond = header.size() % safetensors_alignment;
  if (beyond > 0) header.append(safetensors_alignment - beyond, ' ');
  length = header.size() - sizeof length;
  if (length > longest_safetensors_header)
    throw_invalid_argument("safetensors", "its header would have ", length, " bytes, want at most ",
                           longest_safetensors_header);
  std::memcpy(header.data(), &length, sizeof length);
  return header;
}

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
inline void write_safetensors_file(const std::string& path, std::string_view header,
                                   const support::safetensors& content)
{
  constexpr std::size_t block_size = std::size_t{1} << 18;
  support::detail::replace_file(path, [&](const descriptor& file) {
    std::string block;
    const auto flush = [&] {
      const int error = write_all(file, block);
      block.clear();
      return error;
    };
    const auto write = [&](std::string_view bytes) {
      if (block.size() + bytes.size() > block_size)
        if (const int error = flush()) return error;
      if (bytes.size() > block_size) return write_all(file, bytes);
      block += bytes;
      return 0;
    };
    const int error = stream_safetensors(header, content, write);
    return error != 0 ? error : flush();
  });
}

/// Returns the bytes of a file under a given header.
[[nodiscard]] inline std::string safetensors_bytes(std::string_view header,
                                                   const support::safetensors& content)
{
  auto size = header.size();
  for (const auto& each : content.tensors) size += each.second.nbytes();
  std::string bytes;
  bytes.reserve(size);
  (void)stream_safetensors(header, content, [&](std::string_view part) {
    bytes += part;
    return 0;
  });
  return bytes;
}

}  // namespace rolewise::detail
