// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/safetensors_writer.hpp>.

#include <rolewise/support/error.hpp>
#include <rolewise/support/safetensors_writer.hpp>

#include <algorithm>
#include <cstring>
#include <numeric>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor row_major(const torch::Tensor& t)
{
  if (t.is_cpu() && t.is_contiguous() && !t.is_conj() && !t.is_neg()) return t;
  return t.detach().cpu().resolve_conj().resolve_neg().contiguous();
}

ROLEWISE_INLINE std::string_view bytes_of(const torch::Tensor& row_major)
{
  if (row_major.numel() == 0) return {};
  return {static_cast<const char*>(row_major.const_data_ptr()), row_major.nbytes()};
}

ROLEWISE_INLINE const safetensors_dtype& dtype_of(const std::string& name, const torch::Tensor& t)
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

ROLEWISE_INLINE std::vector<std::size_t> buffer_order(const support::safetensors& content)
{
  std::vector<std::size_t> order(content.tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [&](std::size_t i) { return content.tensors[i].second.element_size(); });
  return order;
}

ROLEWISE_INLINE std::string safetensors_header(const support::safetensors& content)
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

ROLEWISE_INLINE void write_safetensors_file(const std::string& path, std::string_view header,
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

ROLEWISE_INLINE std::string safetensors_bytes(std::string_view header,
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
