// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/detail/event_records.hpp>.

#include <rolewise/report/detail/event_records.hpp>

namespace rolewise::report::detail {

ROLEWISE_INLINE void protobuf_message::variable_length(std::uint64_t x)
{
  for (; x >= 0x80; x >>= 7) bytes_ += static_cast<char>(static_cast<unsigned char>(x | 0x80));
  bytes_ += static_cast<char>(static_cast<unsigned char>(x));
}

ROLEWISE_INLINE protobuf_message& protobuf_message::integer(std::uint32_t field, std::int64_t x)
{
  key(field, 0);
  variable_length(static_cast<std::uint64_t>(x));
  return *this;
}

ROLEWISE_INLINE protobuf_message& protobuf_message::number(std::uint32_t field, double x)
{
  key(field, 1);
  bytes_ += little_endian(std::bit_cast<std::uint64_t>(x));
  return *this;
}

ROLEWISE_INLINE protobuf_message& protobuf_message::single(std::uint32_t field, float x)
{
  key(field, 5);
  bytes_ += little_endian(std::bit_cast<std::uint32_t>(x));
  return *this;
}

ROLEWISE_INLINE protobuf_message& protobuf_message::text(std::uint32_t field,
                                                         std::string_view bytes)
{
  key(field, 2);
  variable_length(bytes.size());
  bytes_ += bytes;
  return *this;
}

ROLEWISE_INLINE protobuf_message& protobuf_message::numbers(std::uint32_t field,
                                                            const std::vector<double>& all)
{
  std::string packed;
  for (const double x : all) packed += little_endian(std::bit_cast<std::uint64_t>(x));
  return text(field, packed);
}

ROLEWISE_INLINE std::string event_record(std::string_view data)
{
  const auto checksum = [](std::string_view bytes) {
    const auto sum = support::crc32c(bytes);
    return little_endian(((sum >> 15) | (sum << 17)) + std::uint32_t{0xA282EAD8});
  };
  auto record = little_endian(static_cast<std::uint64_t>(data.size()));
  record += checksum(record);
  return record.append(data) += checksum(data);
}

}  // namespace rolewise::report::detail
