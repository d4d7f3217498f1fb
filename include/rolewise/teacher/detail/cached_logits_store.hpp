// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// On-disk storage of a teacher's outputs, one row for each (view, example).

#include <rolewise/core/checksum.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/teacher/cached_logits_origin.hpp>
#include <rolewise/teacher/detail/cached_logits_file.hpp>
#include <rolewise/teacher/detail/cached_logits_header.hpp>
#include <rolewise/teacher/detail/cached_row_codec.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace rolewise::detail {

/// Rows behind a header. A row is its checksum, the checksum of the input pixels, and the encoded
/// logits and features; zeros if it is empty. A row with a wrong checksum, because a process was
/// killed while writing it or a bit has flipped, counts as empty.
class cached_logits_store {
 public:
  enum class found { answer, nothing, other_pixels };

  cached_logits_store(const std::string& path, const cached_logits_origin& origin,
                      const cached_row_format& form, bool read_only)
      : head_{head_of(origin, form)},
        ids_{sorted(origin.ids)},
        payload_{static_cast<std::size_t>(form.bytes())},
        file_{path, first_bytes(head_), whole_size(head_), read_only}
  {
    check_head();
  }

  /// @return the index of a sample's row, or -1 if the sample is not in the data set
  [[nodiscard]] std::int64_t row_of(std::int64_t id, std::int64_t view) const;

  /// Reads a row into `payload`: `answer` if the row is valid and was computed from these pixels;
  /// otherwise the content of `payload` is unspecified.
  [[nodiscard]] found read(std::int64_t row, std::uint64_t pixels, char* payload) const;

  void write(std::int64_t row, std::uint64_t pixels, const char* payload);

  /// Number of valid rows.
  [[nodiscard]] std::int64_t count() const;

  [[nodiscard]] std::int64_t views() const noexcept { return head_.views; }
  [[nodiscard]] bool is_read_only() const noexcept { return file_.is_read_only(); }

 private:
  [[nodiscard]] static std::vector<std::int64_t> sorted(std::vector<std::int64_t> ids);
  [[nodiscard]] static std::string first_bytes(const cached_logits_header& head);
  [[nodiscard]] static std::size_t whole_size(const cached_logits_header& head);

  void check_head() const;

  [[nodiscard]] char* start_of(std::int64_t row) const;
  [[nodiscard]] static std::uint64_t word_at(const char* bytes)
  {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    return word;
  }
  /// Checksum of a row, never 0; also covers the header and the row's index.
  [[nodiscard]] std::uint64_t sum_of(std::int64_t row, std::uint64_t pixels,
                                     const char* payload) const;

  cached_logits_header head_;
  std::vector<std::int64_t> ids_;
  std::size_t payload_;
  cached_logits_file file_;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/teacher/detail/implementation/cached_logits_store.hpp>
#endif
