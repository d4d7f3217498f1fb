// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// On-disk storage of a teacher's outputs, one row for each (view, example).

#include <rolewise/core/checksum.hpp>
#include <rolewise/support/error.hpp>
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
  [[nodiscard]] std::int64_t row_of(std::int64_t id, std::int64_t view) const
  {
    const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
    if (at == ids_.end() || *at != id) return -1;
    return view * head_.samples + (at - ids_.begin());
  }

  /// Reads a row into `payload`: `answer` if the row is valid and was computed from these pixels;
  /// otherwise the content of `payload` is unspecified.
  [[nodiscard]] found read(std::int64_t row, std::uint64_t pixels, char* payload) const
  {
    const auto* const at = start_of(row);
    const auto sum = word_at(at), seen = word_at(at + 8);
    if (sum == 0) return found::nothing;
    std::memcpy(payload, at + 16, payload_);
    if (sum != sum_of(row, seen, payload)) return found::nothing;
    return seen == pixels ? found::answer : found::other_pixels;
  }

  void write(std::int64_t row, std::uint64_t pixels, const char* payload)
  {
    auto* const at = start_of(row);
    const auto sum = sum_of(row, pixels, payload);
    std::memcpy(at + 8, &pixels, 8);
    std::memcpy(at + 16, payload, payload_);
    std::memcpy(at, &sum, 8);
  }

  /// Number of valid rows.
  [[nodiscard]] std::int64_t count() const
  {
    std::int64_t whole = 0;
    for (std::int64_t row = 0; row < head_.samples * head_.views; ++row) {
      const auto* const at = start_of(row);
      if (word_at(at) != 0 && word_at(at) == sum_of(row, word_at(at + 8), at + 16)) ++whole;
    }
    return whole;
  }

  [[nodiscard]] std::int64_t views() const noexcept { return head_.views; }
  [[nodiscard]] bool is_read_only() const noexcept { return file_.is_read_only(); }

 private:
  [[nodiscard]] static std::vector<std::int64_t> sorted(std::vector<std::int64_t> ids)
  {
    std::sort(ids.begin(), ids.end());
    const auto twice = std::adjacent_find(ids.begin(), ids.end());
    if (twice != ids.end())
      throw_invalid_argument("teacher cache", "the data set has the id ", *twice, " twice");
    return ids;
  }
  [[nodiscard]] static std::string first_bytes(const cached_logits_header& head)
  {
    std::string bytes(cached_logits_header_bytes, '\0');
    std::memcpy(bytes.data(), &head, sizeof head);
    return bytes;
  }
  [[nodiscard]] static std::size_t whole_size(const cached_logits_header& head)
  {
    const auto rows = static_cast<std::size_t>(head.views) * static_cast<std::size_t>(head.samples);
    return cached_logits_header_bytes + rows * static_cast<std::size_t>(head.row_bytes);
  }

  void check_head() const
  {
    cached_logits_header stored;
    std::memcpy(&stored, file_.bytes(), sizeof stored);
    if (stored.magic != cached_logits_magic)
      throw_runtime_error(file_.path(), "is no teacher cache");
    if (stored.version != plain_cache_version && stored.version != featured_cache_version)
      throw_runtime_error(file_.path(), "is a teacher cache of version ", stored.version,
                          ", this library reads ", plain_cache_version, " and ",
                          featured_cache_version);
    if (stored.version == plain_cache_version) {  // ignores what is behind the sum
      stored.positions = {};
      stored.features = {};
    }
    if (stored.sum != stored.sum_now() || stored.features.back() != '\0')
      throw_runtime_error(file_.path(), "is damaged: the sum of its head does not fit");
    if (const auto words = differences(stored, head_); !words.empty())
      throw_invalid_argument("teacher cache", file_.path(), " is another one: it has ", words);
    if (file_.size() != whole_size(head_))
      throw_runtime_error(file_.path(), "is damaged: it has ", file_.size(), " bytes, want ",
                          whole_size(head_));
  }

  [[nodiscard]] char* start_of(std::int64_t row) const
  {
    return file_.bytes() + cached_logits_header_bytes +
           static_cast<std::size_t>(row) * static_cast<std::size_t>(head_.row_bytes);
  }
  [[nodiscard]] static std::uint64_t word_at(const char* bytes)
  {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    return word;
  }
  /// Checksum of a row, never 0; also covers the header and the row's index.
  [[nodiscard]] std::uint64_t sum_of(std::int64_t row, std::uint64_t pixels,
                                     const char* payload) const
  {
    checksum sum;
    sum.add(head_.sum);
    sum.add(static_cast<std::uint64_t>(row));
    sum.add(pixels);
    sum.add(payload, payload_);
    return sum.value() == 0 ? 1 : sum.value();
  }

  cached_logits_header head_;
  std::vector<std::int64_t> ids_;
  std::size_t payload_;
  cached_logits_file file_;
};

}  // namespace rolewise::detail
