// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checkpoint encoder: snapshots to bytes (docs/checkpoint_format.md).

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/state_format.hpp>
#include <rolewise/train/snapshot.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise::detail {

/// Appends numbers to a byte string.
class byte_writer {
 public:
  template<typename T>
    requires std::is_trivially_copyable_v<T>
  void put(const T& x)
  {
    bytes.append(reinterpret_cast<const char*>(&x), sizeof x);
  }
  std::string bytes;
};

[[nodiscard]] inline std::string bytes_of(const torch::Tensor& t)
{
  const auto flat = t.detach().cpu().contiguous();
  return {static_cast<const char*>(flat.const_data_ptr()), flat.nbytes()};
}

template<typename T>
[[nodiscard]] std::string bytes_of(const std::vector<T>& numbers)
{
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T)};
}

[[nodiscard]] inline std::string bytes_of(const std::vector<std::string>& texts)
{
  byte_writer out;
  for (const auto& text : texts) {
    out.put(static_cast<std::uint64_t>(text.size()));
    out.bytes += text;
  }
  return std::move(out.bytes);
}

[[nodiscard]] inline std::pair<entry_head, std::string> encode(const state_entry& entry)
{
  entry_head head;
  std::string payload;
  if (const auto* t = std::get_if<torch::Tensor>(&entry.value)) {
    head.kind = entry.learned ? entry_kind::parameter : entry_kind::buffer;
    if (t->defined()) {
      const auto type = std::find(state_types.begin(), state_types.end(), t->scalar_type());
      if (type == state_types.end())
        throw_invalid_argument("checkpoint", "cannot hold '", entry.name, "' of type ",
                               t->scalar_type());
      head.type = static_cast<std::uint8_t>(type - state_types.begin() + 1);
      head.layout = t->dim() == 4 && !t->is_contiguous() &&
                    t->is_contiguous(torch::MemoryFormat::ChannelsLast);
      head.sizes = t->sizes().vec();
      payload = bytes_of(*t);
    }
  } else {
    byte_writer out;
    std::visit(
        [&]<typename T>(const T& x) {
          if constexpr (std::same_as<T, bool>)
            head.kind = entry_kind::boolean, out.put(static_cast<std::uint8_t>(x));
          else if constexpr (std::same_as<T, std::int64_t>)
            head.kind = entry_kind::integer, out.put(x);
          else if constexpr (std::same_as<T, double>)
            head.kind = entry_kind::real, out.put(x);
          else if constexpr (std::same_as<T, std::string>)
            head.kind = entry_kind::text, out.bytes = x;
          else if constexpr (std::same_as<T, std::vector<std::int64_t>>)
            head.kind = entry_kind::integers, out.bytes = bytes_of(x);
          else if constexpr (std::same_as<T, std::vector<double>>)
            head.kind = entry_kind::reals, out.bytes = bytes_of(x);
          else if constexpr (std::same_as<T, std::vector<std::string>>)
            head.kind = entry_kind::texts, out.bytes = bytes_of(x);
        },
        entry.value);
    payload = std::move(out.bytes);
  }
  head.length = payload.size();
  return {std::move(head), std::move(payload)};
}

/// Encodes a whole file.
[[nodiscard]] inline std::string encode(const snapshot& entries)
{
  byte_writer out;
  out.bytes.resize(state_header_size);
  for (const auto& entry : entries) {
    const auto [head, payload] = encode(entry);
    const auto begin = out.bytes.size();
    out.put(static_cast<std::uint32_t>(entry.name.size()));
    out.put(head.kind);
    out.put(head.type);
    out.put(head.layout);
    out.put(static_cast<std::uint8_t>(head.sizes.size()));
    out.put(head.length);
    for (const auto size : head.sizes) out.put(size);
    out.bytes += entry.name;
    out.put(crc_of(std::string_view{out.bytes}.substr(begin)));
    out.bytes += payload;
    out.put(crc_of(payload));
  }
  byte_writer header;
  header.bytes = state_magic;
  header.put(state_version);
  header.put(static_cast<std::uint32_t>(entries.size()));
  header.put(static_cast<std::uint64_t>(out.bytes.size() + sizeof(std::uint32_t)));
  header.put(crc_of(header.bytes));
  out.bytes.replace(0, state_header_size, header.bytes);
  out.put(crc_of(out.bytes));
  return std::move(out.bytes);
}

}  // namespace rolewise::detail
