// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The header of a teacher cache file, and the differences between two headers.

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/teacher/cached_logits_origin.hpp>
#include <rolewise/teacher/detail/cached_row_codec.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace rolewise {

namespace detail {

inline constexpr std::array<char, 8> cached_logits_magic{'\x89', 'r',  'w',    't',
                                                         'c',    '\n', '\x1a', '\n'};
inline constexpr std::uint32_t plain_cache_version = 1;     // logits `[classes]` alone
inline constexpr std::uint32_t featured_cache_version = 2;  // with features or positions

/// Header of the file, in its layout on disk (docs/teacher_cache.md).
struct cached_logits_header {
  std::array<char, 8> magic = cached_logits_magic;
  std::uint32_t version = plain_cache_version;
  std::uint32_t type = 0;  ///< 0 float32, 1 half, 2 bfloat16
  std::int64_t classes = 0, kept = 0, views = 0, samples = 0, row_bytes = 0;
  double temperature = 1.0;
  std::uint64_t seed = 0, view_sum = 0, data_sum = 0, teacher_sum = 0;
  std::array<char, 256> agents{};
  std::array<char, 128> data{};
  std::uint64_t sum = 0;  ///< checksum of all bytes before; in version 2, and of those behind
  // Zeros in version 1.
  std::array<std::int64_t, 2> positions{};  ///< axes of the logits after the classes
  std::array<char, 3592> features{};        ///< the taps with their shapes

  [[nodiscard]] std::uint64_t sum_now() const;
};
inline constexpr std::size_t cached_logits_header_bytes = 4096;
static_assert(std::is_trivially_copyable_v<cached_logits_header> &&
              offsetof(cached_logits_header, positions) == 488 &&
              sizeof(cached_logits_header) == cached_logits_header_bytes);

[[nodiscard]] inline std::string_view type_name(std::uint32_t type)
{
  return type == 0 ? "Float" : type == 1 ? "Half" : "BFloat16";
}

template<std::size_t Size>
void put_words(std::array<char, Size>& to, std::string_view words)
{
  words.copy(to.data(), Size - 1);
}

/// @throws std::invalid_argument for more than two axes of positions, or if the names and shapes of
///         the taps do not fit in the header
[[nodiscard]] ROLEWISE_INLINE cached_logits_header head_of(const cached_logits_origin& origin,
                                                           const cached_row_format& form);

[[nodiscard]] ROLEWISE_INLINE std::string positions_of(const cached_logits_header& head);

[[nodiscard]] inline std::string_view features_of(const cached_logits_header& head)
{
  return head.features.front() == '\0' ? "none" : std::string_view{head.features.data()};
}

/// Describes the differences between two caches; empty if there are none.
[[nodiscard]] ROLEWISE_INLINE std::string differences(const cached_logits_header& stored,
                                                      const cached_logits_header& current);

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/teacher/detail/implementation/cached_logits_header.hpp>
#endif
