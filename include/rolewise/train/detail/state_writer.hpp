// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checkpoint encoder: snapshots to safetensors files (docs/checkpoint_format.md).

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/safetensors.hpp>
#include <rolewise/train/detail/state_text.hpp>
#include <rolewise/train/snapshot.hpp>

#include <ATen/ops/view_as_real.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace rolewise::detail {

inline constexpr std::string_view checkpoint_version = "2";
inline constexpr std::string_view version_of_checkpoint = "rolewise.checkpoint";  // metadata
inline constexpr std::string_view state_prefix = "state.";                        // of entries

/// What each file has between the length of the header and the checksum of the header.
inline constexpr std::string_view checkpoint_begin =
    R"({"__metadata__": {"rolewise.checkpoint": "2", "rolewise.checksum": ")";
inline constexpr std::size_t header_sum_at = sizeof(std::uint64_t) + checkpoint_begin.size();
inline constexpr std::size_t sum_digits = 16;

[[nodiscard]] inline std::string sum_of(std::string_view bytes)
{
  checksum sum;
  sum.add(bytes);
  return hex_of(sum.value());
}

/// The checksum of a header, without the digits of the checksum that is in it.
[[nodiscard]] inline std::string sum_of_header(std::string header)
{
  header.replace(header_sum_at, sum_digits, sum_digits, '0');
  return sum_of(header);
}

[[nodiscard]] inline bool is_channels_last(const torch::Tensor& t)
{
  return t.dim() == 4 && !t.is_contiguous() && t.is_contiguous(torch::MemoryFormat::ChannelsLast);
}

/// Adds a tensor to a file.
/// @return its metadata
[[nodiscard]] inline std::string added_tensor(const state_entry& entry, const torch::Tensor& t,
                                              support::safetensors& content)
{
  std::string text = entry.learned ? "parameter" : "buffer";
  if (!t.defined()) return text + " undefined";
  if (is_channels_last(t)) text += " channels_last";
  auto stored = t;
  if (t.layout() == torch::kStrided &&
      t.scalar_type() == at::kComplexDouble) {  // the format has no dtype for it
    text += " complex128";
    stored = at::view_as_real(row_major(t));
  }
  (void)dtype_of(entry.name, stored);
  text += " " + sum_of(bytes_of(row_major(stored)));
  content.tensors.emplace_back(entry.name, std::move(stored));
  return text;
}

/// The content of a checkpoint and its header.
[[nodiscard]] inline std::pair<std::string, support::safetensors> encoded_state(
    const snapshot& entries)
{
  support::safetensors content;
  content.metadata = {{std::string{version_of_checkpoint}, std::string{checkpoint_version}},
                      {"rolewise.checksum", std::string(sum_digits, '0')},
                      {"format", "pt"}};
  for (const auto& entry : entries) {
    const auto* t = std::get_if<torch::Tensor>(&entry.value);
    content.metadata.emplace_back(
        std::string{state_prefix} + entry.name,
        t != nullptr ? added_tensor(entry, *t, content) : text_of_value(entry.value));
  }
  auto header = safetensors_header(content);
  header.replace(header_sum_at, sum_digits, sum_of_header(header));
  return {std::move(header), std::move(content)};
}

/// The bytes of a checkpoint.
[[nodiscard]] inline std::string encode(const snapshot& entries)
{
  const auto [header, content] = encoded_state(entries);
  return safetensors_bytes(header, content);
}

}  // namespace rolewise::detail
