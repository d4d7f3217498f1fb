// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/teacher/detail/cached_logits_header.hpp>.

#include <rolewise/teacher/detail/cached_logits_header.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE std::uint64_t cached_logits_header::sum_now() const
{
  checksum of;
  of.add(this, offsetof(cached_logits_header, sum));
  if (version != plain_cache_version) {
    of.add(positions.data(), sizeof positions);
    of.add(features.data(), sizeof features);
  }
  return of.value();
}

ROLEWISE_INLINE cached_logits_header head_of(const cached_logits_origin& origin,
                                             const cached_row_format& form)
{
  cached_logits_header head;
  const auto& [classes, kept, type, temperature] = form.logits;
  if (!form.is_plain()) head.version = featured_cache_version;
  if (form.positions.size() > head.positions.size())
    throw_invalid_argument("teacher cache",
                           "want logits [C], [C, L] or [C, H, W] of an example, got ",
                           form.positions.size(), " axes after the classes");
  std::copy(form.positions.begin(), form.positions.end(), head.positions.begin());
  const auto features = to_text(form.features);
  if (features.size() >= head.features.size())
    throw_invalid_argument("teacher cache", "the names and shapes of ", form.features.size(),
                           " taps do not fit in the header; store fewer");
  put_words(head.features, features);
  head.type = type == torch::kFloat ? 0U : type == torch::kHalf ? 1U : 2U;
  head.classes = classes;
  head.kept = kept;
  head.temperature = temperature;
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

ROLEWISE_INLINE std::string positions_of(const cached_logits_header& head)
{
  const auto& [rows, columns] = head.positions;
  if (rows == 0) return "1";
  return columns == 0 ? classic_text(rows) : classic_text(rows, " x ", columns);
}

ROLEWISE_INLINE std::string differences(const cached_logits_header& stored,
                                        const cached_logits_header& current)
{
  std::string words;
  const auto say = [&](const auto&... parts) {
    words += detail::classic_text(words.empty() ? "" : ", ", parts...);
  };
  const auto compare = [&](const char* what, const auto& a, const auto& b) {
    if (!(a == b)) say(what, " ", a, " (now ", b, ")");
    return a == b;
  };
  const auto words_of = [](const auto& text) { return std::string_view{text.data()}; };
  compare("answers of type", type_name(stored.type), type_name(current.type));
  compare("classes", stored.classes, current.classes);
  if (stored.positions != current.positions)
    say("logits at ", positions_of(stored), " positions (now ", positions_of(current), ")");
  if (stored.features != current.features)
    say("features ", features_of(stored), " (now ", features_of(current), ")");
  compare("logits kept of a row", stored.kept, current.kept);
  compare("mass at temperature", stored.temperature, current.temperature);
  bool same = compare("seed", stored.seed, current.seed);
  same = compare("agents", words_of(stored.agents), words_of(current.agents)) && same;
  same = compare("number of views", stored.views, current.views) && same;
  bool same_data = compare("data set", words_of(stored.data), words_of(current.data));
  same_data = compare("number of examples", stored.samples, current.samples) && same_data;
  if (same_data && stored.data_sum != current.data_sum) {
    say("other data under the same name");
    same_data = false;
  }
  if (same && same_data && stored.view_sum != current.view_sum) say("views made by another policy");
  if (stored.teacher_sum != current.teacher_sum) say("answers of another teacher");
  return words;
}

}  // namespace rolewise::detail
