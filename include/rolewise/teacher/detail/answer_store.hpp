// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Answers of a teacher on the disk, a row for each (view, example).

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/teacher/detail/answer_codec.hpp>
#include <rolewise/teacher/detail/answer_file.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace rolewise {

/// What the answers in a cache are answers to. Whatever differs makes it another cache.
struct answer_origin {
  std::string agents;             ///< whose views they are, in words
  std::uint64_t seed = 0;         ///< of the views
  std::int64_t views = 1;         ///< that recur
  std::uint64_t view_sum = 0;     ///< of what the agents make of the data, probed
  std::string data;               ///< name of the data set
  std::uint64_t data_sum = 0;     ///< of all of it
  std::uint64_t teacher_sum = 0;  ///< its fingerprint
  std::vector<std::int64_t> ids;  ///< of the data set, in any order, each once
};

namespace detail {

inline constexpr std::array<char, 8> answer_magic{'\x89', 'r', 'w', 't', 'c', '\n', '\x1a', '\n'};
inline constexpr std::uint32_t answer_version = 1;

/// The first bytes of the file, as they lie there (docs/teacher_cache.md).
struct answer_head {
  std::array<char, 8> magic = answer_magic;
  std::uint32_t version = answer_version;
  std::uint32_t type = 0;  ///< 0 float32, 1 half, 2 bfloat16
  std::int64_t classes = 0, kept = 0, views = 0, samples = 0, row_bytes = 0;
  double temperature = 1.0;
  std::uint64_t seed = 0, view_sum = 0, data_sum = 0, teacher_sum = 0;
  std::array<char, 256> agents{};
  std::array<char, 128> data{};
  std::uint64_t sum = 0;  ///< of all before

  [[nodiscard]] std::uint64_t sum_now() const
  {
    checksum of;
    of.add(this, offsetof(answer_head, sum));
    return of.value();
  }
};
static_assert(std::is_trivially_copyable_v<answer_head> && sizeof(answer_head) == 488);

inline constexpr std::size_t answer_head_bytes = 4096;

[[nodiscard]] inline std::string_view type_name(std::uint32_t type)
{
  return type == 0 ? "Float" : type == 1 ? "Half" : "BFloat16";
}

template<std::size_t Size>
void put_words(std::array<char, Size>& to, std::string_view words)
{
  words.copy(to.data(), Size - 1);
}

[[nodiscard]] inline answer_head head_of(const answer_origin& origin, const answer_form& form)
{
  answer_head head;
  head.type = form.type == torch::kFloat32 ? 0U : form.type == torch::kFloat16 ? 1U : 2U;
  head.classes = form.classes;
  head.kept = form.kept;
  head.temperature = form.temperature;
  head.views = origin.views;
  head.samples = static_cast<std::int64_t>(origin.ids.size());
  head.row_bytes = 16 + (form.bytes() + 7) / 8 * 8;
  head.seed = origin.seed;
  head.view_sum = origin.view_sum;
  head.data_sum = origin.data_sum;
  head.teacher_sum = origin.teacher_sum;
  put_words(head.agents, origin.agents);
  put_words(head.data, origin.data);
  head.sum = head.sum_now();
  return head;
}

/// What two caches disagree about, in words; empty if nothing.
[[nodiscard]] inline std::string differences(const answer_head& stored, const answer_head& now)
{
  std::string words;
  const auto say = [&](const auto&... parts) {
    words += c10::str(words.empty() ? "" : ", ", parts...);
  };
  const auto compare = [&](const char* what, const auto& a, const auto& b) {
    if (!(a == b)) say(what, " ", a, " (now ", b, ")");
    return a == b;
  };
  const auto words_of = [](const auto& text) { return std::string_view{text.data()}; };
  compare("answers of type", type_name(stored.type), type_name(now.type));
  compare("classes", stored.classes, now.classes);
  compare("logits kept of a row", stored.kept, now.kept);
  compare("mass at temperature", stored.temperature, now.temperature);
  bool same = compare("seed", stored.seed, now.seed);
  same = compare("agents", words_of(stored.agents), words_of(now.agents)) && same;
  same = compare("number of views", stored.views, now.views) && same;
  bool same_data = compare("data set", words_of(stored.data), words_of(now.data));
  same_data = compare("number of examples", stored.samples, now.samples) && same_data;
  if (same_data && stored.data_sum != now.data_sum) {
    say("other data under the same name");
    same_data = false;
  }
  if (same && same_data && stored.view_sum != now.view_sum) say("views made by another policy");
  if (stored.teacher_sum != now.teacher_sum) say("answers of another teacher");
  return words;
}

/// Rows behind a head. A row is its sum, the sum of the pixels that were judged, and the answer;
/// zeros where there is none. A row whose sum does not fit, because a process was killed in the
/// middle of it or a bit has flipped, is as good as none.
class answer_store {
 public:
  enum class found { answer, nothing, other_pixels };

  answer_store(const std::string& path, const answer_origin& origin, const answer_form& form,
               bool read_only)
      : head_{head_of(origin, form)},
        ids_{sorted(origin.ids)},
        payload_{static_cast<std::size_t>(form.bytes())},
        file_{path, first_bytes(head_), whole_size(head_), read_only}
  {
    check_head();
  }

  /// @return the place of a sample's row, or -1 if it is none of the data set's
  [[nodiscard]] std::int64_t row_of(std::int64_t id, std::int64_t view) const
  {
    const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
    if (at == ids_.end() || *at != id) return -1;
    return view * head_.samples + (at - ids_.begin());
  }

  /// Copies the answer of a row if it is whole and was given to these pixels.
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

  /// Whole rows.
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
    if (twice != ids.end()) refuse("teacher cache", "the data set has the id ", *twice, " twice");
    return ids;
  }
  [[nodiscard]] static std::string first_bytes(const answer_head& head)
  {
    std::string bytes(answer_head_bytes, '\0');
    std::memcpy(bytes.data(), &head, sizeof head);
    return bytes;
  }
  [[nodiscard]] static std::size_t whole_size(const answer_head& head)
  {
    const auto rows = static_cast<std::size_t>(head.views) * static_cast<std::size_t>(head.samples);
    return answer_head_bytes + rows * static_cast<std::size_t>(head.row_bytes);
  }

  void check_head() const
  {
    answer_head stored;
    std::memcpy(&stored, file_.bytes(), sizeof stored);
    if (stored.magic != answer_magic) fail(file_.path(), "is no teacher cache");
    if (stored.version != answer_version)
      fail(file_.path(), "is a teacher cache of version ", stored.version, ", this library reads ",
           answer_version);
    if (stored.sum != stored.sum_now())
      fail(file_.path(), "is damaged: the sum of its head does not fit");
    if (const auto words = differences(stored, head_); !words.empty())
      refuse("teacher cache", file_.path(), " is another one: it has ", words);
    if (file_.size() != whole_size(head_))
      fail(file_.path(), "is damaged: it has ", file_.size(), " bytes, want ", whole_size(head_));
  }

  [[nodiscard]] char* start_of(std::int64_t row) const
  {
    return file_.bytes() + answer_head_bytes +
           static_cast<std::size_t>(row) * static_cast<std::size_t>(head_.row_bytes);
  }
  [[nodiscard]] static std::uint64_t word_at(const char* bytes)
  {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    return word;
  }
  /// Never 0, and of this row of this cache alone.
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

  answer_head head_;
  std::vector<std::int64_t> ids_;
  std::size_t payload_;
  answer_file file_;
};

}  // namespace detail

}  // namespace rolewise
