// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/json_reader.hpp>.

#include <rolewise/support/json_reader.hpp>

#include <algorithm>
#include <charconv>

namespace rolewise::detail {

ROLEWISE_INLINE bool is_json_number(std::string_view word)
{
  const auto has_digit = [&](std::size_t i) {
    return i < word.size() && word[i] >= '0' && word[i] <= '9';
  };
  const auto point = word.find('.');
  if (!is_number(word)) return false;
  const std::size_t first = word[0] == '-' ? 1 : 0;
  const bool leads_with_zero = word[first] == '0' && has_digit(first + 1);
  return has_digit(first) && !leads_with_zero && (point == word.npos || has_digit(point + 1));
}

ROLEWISE_INLINE json json_reader::value(int depth)
{
  const auto begin = in_.next();
  if (depth > deepest) in_.complain_at(begin, "is nested too deeply");
  auto x = value_of_kind(depth);
  x.set_byte(begin);
  return x;
}

ROLEWISE_INLINE json json_reader::value_of_kind(int depth)
{
  if (in_.sees('{')) {
    json::object members;
    in_.members([&](std::string_view name, std::size_t) {
      auto decoded_name = decoded(name);
      members.emplace_back(std::move(decoded_name), value(depth + 1));
    });
    return members;
  }
  if (in_.sees('[')) {
    json::array elements;
    in_.elements('[', ']', [&] { elements.push_back(value(depth + 1)); });
    return elements;
  }
  if (in_.sees('"')) return decoded(in_.string("a string"));
  const auto word = in_.word("a value", [](std::string_view found) {
    return found == "true" || found == "false" || found == "null" || is_json_number(found);
  });
  if (word == "null") return {};
  if (word == "true" || word == "false") return word == "true";
  return json_number{std::string{word}};
}

ROLEWISE_INLINE std::string json_reader::decoded(std::string_view raw)
{
  if (raw.find('\\') == raw.npos) return std::string{raw};
  std::string words;
  at_ = static_cast<std::size_t>(raw.data() - text_.data());
  for (const auto end = at_ + raw.size(); at_ < end; ++at_)
    if (text_[at_] == '\\')
      escape(words);
    else
      words += text_[at_];
  return words;
}

ROLEWISE_INLINE void json_reader::escape(std::string& words)
{
  constexpr std::string_view short_ones = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
  ++at_;
  if (const auto which = short_ones.find(next()); next() != '\0' && which != short_ones.npos)
    words += meant[which];
  else if (next() == 'u')
    append_code(words);
  else
    complain("has an unknown escape");
}

ROLEWISE_INLINE std::uint32_t json_reader::four_digits()
{
  std::uint32_t code = 0;
  const auto digits = text_.substr(std::min(at_ + 1, text_.size()), 4);
  const auto [stop, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
  if (error != std::errc{} || stop != digits.data() + 4) complain("want four hexadecimal digits");
  at_ += 4;
  return code;
}

ROLEWISE_INLINE void json_reader::append_code(std::string& words)
{
  auto code = four_digits();
  if (code >= 0xD800 && code < 0xDC00 &&
      text_.substr(std::min(at_ + 1, text_.size()), 2) == "\\u") {
    at_ += 2;
    const auto low = four_digits();
    if (low < 0xDC00 || low > 0xDFFF) complain("has half a surrogate pair");
    code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
  } else if (code >= 0xD800 && code <= 0xDFFF) {
    complain("has half a surrogate pair");
  }
  const auto add = [&](std::uint32_t byte) { words += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0 | (code >> 6U));
    add(0x80 | (code & 0x3FU));
  } else if (code < 0x10000) {
    add(0xE0 | (code >> 12U));
    add(0x80 | ((code >> 6U) & 0x3FU));
    add(0x80 | (code & 0x3FU));
  } else {
    add(0xF0 | (code >> 18U));
    add(0x80 | ((code >> 12U) & 0x3FU));
    add(0x80 | ((code >> 6U) & 0x3FU));
    add(0x80 | (code & 0x3FU));
  }
}

}  // namespace rolewise::detail
