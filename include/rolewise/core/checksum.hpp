// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A 64-bit checksum of bytes, numbers, tensors and the state of parts.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise {

/// Running 64-bit checksum over bytes, numbers, strings and tensors; depends on their order. It
/// is stored in files, so its definition never changes. Not cryptographic: it does not prevent
/// forgery.
///
/// A change inside one word of eight bytes always changes the sum; any other change is missed
/// with a probability of about 2^-64. 32 bytes or more are summed in four lanes, several bytes
/// per cycle.
class checksum {
 public:
  void add(std::uint64_t word) noexcept { sum_ = stirred(sum_, word); }

  void add(const void* bytes, std::size_t count) noexcept;

  void add(std::string_view words) noexcept { add(words.data(), words.size()); }

  /// Adds dtype, shape and elements in logical order, independent of strides and device.
  void add(const torch::Tensor& t);

  [[nodiscard]] std::uint64_t value() const noexcept { return stirred(sum_, sum_ >> 32); }

 private:
  static_assert(std::endian::native == std::endian::little,
                "sums are kept in files, as words of a little-endian machine");

  // For a fixed word a bijection of the sum, and vice versa: no change of one word is lost.
  [[nodiscard]] static constexpr std::uint64_t stirred(std::uint64_t sum, std::uint64_t word)
  {
    sum = (sum ^ word) * 0x9E3779B97F4A7C15;
    return sum ^ (sum >> 29);
  }

  [[nodiscard]] static std::uint64_t word_at(const unsigned char* bytes, std::size_t count)
  {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, count);
    return word;
  }

  std::uint64_t sum_ = 0xCBF29CE484222325;
};

namespace detail {

/// Archive that adds the state of a part to a checksum, names included.
class summing_archive {
 public:
  explicit summing_archive(checksum& sum) : sum_{sum} {}

  void parameter(std::string_view name, torch::Tensor& t) { named(name, t); }
  void range(std::string_view name, torch::Tensor& t) { named(name, t); }
  void buffer(std::string_view name, torch::Tensor& t) { named(name, t); }
  template<PlainState T>
  void value(std::string_view name, T& x)
  {
    sum_.add(name);
    add(x);
  }
  template<typename Part>
  void part(std::string_view name, Part& inner)
  {
    sum_.add(name);
    inner.visit_state(*this);
    sum_.add(std::string_view{"end"});
  }

 private:
  void named(std::string_view name, const torch::Tensor& t)
  {
    sum_.add(name);
    sum_.add(t);
  }
  void add(bool x) { sum_.add(std::uint64_t{x}); }
  void add(std::int64_t x) { sum_.add(std::bit_cast<std::uint64_t>(x)); }
  void add(double x) { sum_.add(std::bit_cast<std::uint64_t>(x)); }
  void add(const std::string& x) { sum_.add(std::string_view{x}); }
  template<typename T>
  void add(const std::vector<T>& all)
  {
    sum_.add(std::uint64_t{all.size()});
    for (const auto& x : all) add(x);
  }

  checksum& sum_;
};

}  // namespace detail

/// Checksum of the state of a part: names, dtypes, shapes and bytes of its tensors, and its
/// values.
template<state_must::be_shown P>
[[nodiscard]] std::uint64_t state_sum(P& part)
{
  checksum sum;
  detail::summing_archive archive{sum};
  part.visit_state(archive);
  return sum.value();
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/implementation/checksum.hpp>
#endif
