// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checkpoint decoder: bytes to snapshots, every byte verified (docs/checkpoint_format.md).

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/state_format.hpp>
#include <rolewise/train/snapshot.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Decodes a whole file and verifies every length, type and checksum in it.
class state_reader {
 public:
  /// @param path for error messages
  state_reader(std::string_view bytes, std::string_view path) : bytes_{bytes}, path_{path} {}

  [[nodiscard]] snapshot read()
  {
    const auto count = read_header();
    snapshot entries;
    for (std::uint32_t i = 0; i < count; ++i) entries.push_back(read_entry(i));
    if (at_ != bytes_.size() - sizeof(std::uint32_t))
      throw_runtime_error(path_, "has ", bytes_.size() - sizeof(std::uint32_t) - at_,
                          " bytes that belong to no part, at byte ", at_);
    const auto whole = crc_of(bytes_.substr(0, at_));
    if (take<std::uint32_t>("its checksum") != whole)
      throw_runtime_error(path_, "is damaged: the checksum of the whole file, at byte ", at_ - 4,
                          ", is wrong");
    return entries;
  }

 private:
  [[nodiscard]] std::uint32_t read_header()
  {
    const auto known = std::min(bytes_.size(), state_magic.size());
    if (bytes_.substr(0, known) != state_magic.substr(0, known))
      throw_runtime_error(path_, "is no checkpoint of rolewise: it begins otherwise, at byte 0");
    at_ = known;
    if (bytes_.size() < state_header_size)
      throw_runtime_error(path_, "is truncated: it has ", bytes_.size(),
                          " bytes, its header alone ", state_header_size);
    const auto version = take<std::uint32_t>("header");
    const auto count = take<std::uint32_t>("header");
    const auto length = take<std::uint64_t>("header");
    const auto sum = crc_of(bytes_.substr(0, at_));
    if (take<std::uint32_t>("header") != sum)
      throw_runtime_error(path_, "is damaged: header, bytes 0 to 27");
    if (version != state_version)
      throw_runtime_error(path_, "has the format version ", version,
                          " at byte 8, this library reads ", state_version);
    if (bytes_.size() < length)
      throw_runtime_error(path_, "is truncated: it has ", bytes_.size(), " bytes of ", length);
    if (bytes_.size() > length)
      throw_runtime_error(path_, "is oversized: it has ", bytes_.size(), " bytes, its header says ",
                          length);
    return count;
  }

  [[nodiscard]] state_entry read_entry(std::uint32_t number)
  {
    const auto begin = at_;
    const auto where = classic_text("part ", number, " at byte ", begin);
    const auto name_length = take<std::uint32_t>(where);
    entry_head head;
    head.kind = take<entry_kind>(where);
    head.type = take<std::uint8_t>(where);
    head.layout = take<std::uint8_t>(where);
    const auto rank = take<std::uint8_t>(where);
    head.length = take<std::uint64_t>(where);
    for (int i = 0; i < rank; ++i) head.sizes.push_back(take<std::int64_t>(where));
    state_entry entry;
    entry.name = std::string{take_bytes(name_length, where)};
    const auto head_sum = crc_of(bytes_.substr(begin, at_ - begin));
    if (take<std::uint32_t>(where) != head_sum)
      throw_runtime_error(path_, "is damaged: head of ", where);

    const auto payload_at = at_;
    const auto named = classic_text("part '", entry.name, "' at byte ", payload_at);
    const auto payload = take_bytes(head.length, named);
    if (take<std::uint32_t>(named) != crc_of(payload))
      throw_runtime_error(path_, "is damaged: ", named);
    decode(head, payload, named, entry);
    return entry;
  }

  void decode(const entry_head& head, std::string_view payload, const std::string& where,
              state_entry& entry) const
  {
    switch (head.kind) {
      case entry_kind::parameter:
      case entry_kind::buffer:
        entry.learned = head.kind == entry_kind::parameter;
        entry.value = decode_tensor(head, payload, where);
        return;
      case entry_kind::boolean:
        entry.value = number<std::uint8_t>(payload, where) != 0;
        return;
      case entry_kind::integer:
        entry.value = number<std::int64_t>(payload, where);
        return;
      case entry_kind::real:
        entry.value = number<double>(payload, where);
        return;
      case entry_kind::text:
        entry.value = std::string{payload};
        return;
      case entry_kind::integers:
        entry.value = numbers<std::int64_t>(payload, where);
        return;
      case entry_kind::reals:
        entry.value = numbers<double>(payload, where);
        return;
      case entry_kind::texts:
        entry.value = texts(payload, where);
        return;
    }
    throw_runtime_error(path_, "is damaged: ", where, " is of the unknown kind ",
                        static_cast<int>(head.kind));
  }

  [[nodiscard]] torch::Tensor decode_tensor(const entry_head& head, std::string_view payload,
                                            const std::string& where) const
  {
    if (head.type == 0) return {};
    if (head.type > state_types.size())
      throw_runtime_error(path_, "is damaged: ", where, " is of the unknown type ",
                          static_cast<int>(head.type));
    const auto type = state_types[head.type - 1U];
    // The product is bounded at each step, so that corrupt sizes neither overflow nor allocate.
    // `extent` counts a size of 0 as 1, because LibTorch computes strides from the other sizes.
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    std::uint64_t length = torch::elementSize(type), extent = length;
    for (const auto size : head.sizes) {
      const auto times = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 1));
      if (size < 0 || extent > most / times || (size > 0 && length > payload.size() / times))
        throw_runtime_error(path_, "is damaged: ", where, " has sizes that its ", payload.size(),
                            " bytes cannot hold");
      length *= static_cast<std::uint64_t>(size);
      extent *= times;
    }
    if (length != payload.size())
      throw_runtime_error(path_, "is damaged: ", where, " has ", payload.size(),
                          " bytes, its sizes want ", length);
    auto t = torch::empty(head.sizes, torch::TensorOptions{}.dtype(type));
    if (!payload.empty()) std::memcpy(t.mutable_data_ptr(), payload.data(), payload.size());
    return head.layout == 1 && t.dim() == 4 ? t.contiguous(torch::MemoryFormat::ChannelsLast) : t;
  }

  template<typename T>
  [[nodiscard]] T number(std::string_view payload, const std::string& where) const
  {
    if (payload.size() != sizeof(T))
      throw_runtime_error(path_, "is damaged: ", where, " has ", payload.size(), " bytes, not ",
                          sizeof(T));
    T x;
    std::memcpy(&x, payload.data(), sizeof x);
    return x;
  }
  template<typename T>
  [[nodiscard]] std::vector<T> numbers(std::string_view payload, const std::string& where) const
  {
    if (payload.size() % sizeof(T) != 0)
      throw_runtime_error(path_, "is damaged: ", where, " has ", payload.size(),
                          " bytes, no multiple of ", sizeof(T));
    std::vector<T> all(payload.size() / sizeof(T));
    if (!all.empty()) std::memcpy(all.data(), payload.data(), payload.size());
    return all;
  }
  [[nodiscard]] std::vector<std::string> texts(std::string_view payload,
                                               const std::string& where) const
  {
    std::vector<std::string> all;
    while (!payload.empty()) {
      std::uint64_t length = 0;
      if (payload.size() < sizeof length)
        throw_runtime_error(path_, "is damaged: ", where, " ends in a length");
      std::memcpy(&length, payload.data(), sizeof length);
      payload.remove_prefix(sizeof length);
      if (payload.size() < length)
        throw_runtime_error(path_, "is damaged: ", where, " ends in a text");
      all.emplace_back(payload.substr(0, length));
      payload.remove_prefix(length);
    }
    return all;
  }

  template<typename T>
  [[nodiscard]] T take(std::string_view where)
  {
    const auto raw = take_bytes(sizeof(T), where);
    T x;
    std::memcpy(&x, raw.data(), sizeof x);
    return x;
  }
  [[nodiscard]] std::string_view take_bytes(std::uint64_t count, std::string_view where)
  {
    if (count > bytes_.size() - at_)
      throw_runtime_error(path_, "is damaged: ", where, " wants ", count, " bytes, ",
                          bytes_.size() - at_, " are left");
    const auto taken = bytes_.substr(at_, count);
    at_ += count;
    return taken;
  }

  std::string_view bytes_;
  std::string_view path_;
  std::size_t at_ = 0;
};

}  // namespace rolewise::detail
