// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checkpoint encoder: snapshots to safetensors files (docs/checkpoint_format.md).

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/safetensors.hpp>
#include <rolewise/train/detail/state_text.hpp>
#include <rolewise/train/snapshot.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

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
[[nodiscard]] ROLEWISE_INLINE std::string added_tensor(const state_entry& entry,
                                                       const torch::Tensor& t,
                                                       support::safetensors& content);

/// The content of a checkpoint and its header.
[[nodiscard]] ROLEWISE_INLINE std::pair<std::string, support::safetensors> encoded_state(
    const snapshot& entries);

/// The bytes of a checkpoint.
[[nodiscard]] ROLEWISE_INLINE std::string encode(const snapshot& entries);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/state_writer.hpp>
#endif
