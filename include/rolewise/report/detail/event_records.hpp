// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The records of TensorBoard's event files: framing, and the protocol buffers of events.

#include <rolewise/support/crc32c.hpp>
#include <rolewise/support/inline.hpp>

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::report::detail {

/// The bytes of an integer, the lowest first.
template<typename Integer>
[[nodiscard]] std::string little_endian(Integer x)
{
  std::string bytes;
  for (std::size_t i = 0; i < sizeof x; ++i)
    bytes += static_cast<char>(static_cast<unsigned char>(x >> (8 * i)));
  return bytes;
}

/// A message in the wire format of protocol buffers, field by field.
/// @par Source
/// Google: Protocol Buffers, Encoding (protobuf.dev/programming-guides/encoding).
class protobuf_message {
 public:
  protobuf_message& integer(std::uint32_t field, std::int64_t x);
  protobuf_message& number(std::uint32_t field, double x);
  protobuf_message& single(std::uint32_t field, float x);
  protobuf_message& text(std::uint32_t field, std::string_view bytes);
  /// A packed list of doubles.
  protobuf_message& numbers(std::uint32_t field, const std::vector<double>& all);
  protobuf_message& message(std::uint32_t field, const protobuf_message& inner)
  {
    return text(field, inner.bytes_);
  }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void variable_length(std::uint64_t x);
  void key(std::uint32_t field, std::uint32_t wire_type)
  {
    variable_length((std::uint64_t{field} << 3) | wire_type);
  }

  std::string bytes_;
};

/// A record of the TFRecord format: length, its checksum, data, their checksum.
/// @par Source
/// TensorFlow: TFRecord and tf.train.Example, section on the format
/// (www.tensorflow.org/tutorials/load_data/tfrecord).
[[nodiscard]] ROLEWISE_INLINE std::string event_record(std::string_view data);

/// A histogram: `counts[i]` values are at most `limits[i]` and above the limit before.
struct value_histogram {
  double lowest = 0.0, highest = 0.0, count = 0.0, sum = 0.0, squares = 0.0;
  std::vector<double> limits{}, counts{};
};

}  // namespace rolewise::report::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/detail/implementation/event_records.hpp>
#endif
