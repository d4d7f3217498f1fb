// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/literal_reader.hpp>.

#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/literal_reader.hpp>

#include <array>
#include <charconv>
#include <system_error>

namespace rolewise::detail {

ROLEWISE_INLINE std::string shown(std::string_view words)
{
  constexpr std::size_t most = 40;
  std::string result{words.substr(0, most)};
  for (auto& c : result)
    if (c < 0x20 || c > 0x7E) c = '?';
  if (words.size() > most) result += "...";
  return "'" + result + "'";
}

ROLEWISE_INLINE bool is_number(std::string_view word)
{
  double x = 0.0;
  const auto* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, x);
  return error != std::errc::invalid_argument && stop == end;
}

ROLEWISE_INLINE literal_reader::literal_reader(std::string_view source, std::string_view text,
                                               literal_grammar grammar, std::size_t first_line)
    : source_{source}, text_{text}, grammar_{grammar}, first_line_{first_line}
{
  if (first_line > 1) return;
  if (const auto other = support::foreign_encoding(text); !other.empty())
    complain_at(0, is_rfc_8259() ? "is in " : "found ", other, ", want UTF-8");
  begin_ = at_ = byte_order_mark_of(text);
}

ROLEWISE_INLINE std::int64_t literal_reader::integer(std::string_view wanted)
{
  std::int64_t x = 0;
  (void)word(wanted, [&](std::string_view text) {
    const auto digits = text.substr(text.starts_with('-') ? 1 : 0);
    const auto* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, x);
    return error == std::errc{} && stop == end && (digits.size() == 1 || digits[0] != '0');
  });
  return x;
}

ROLEWISE_INLINE std::string_view literal_reader::string(std::string_view wanted)
{
  const auto at = next();  // moves on to where a prefix is looked for
  const auto begin = at + (sees_prefix() ? 1 : 0);
  if (!is_quote(begin)) complain(wanted);
  const char quote = text_[begin];
  auto end = begin + 1;
  for (; end < text_.size() && text_[end] != quote; ++end) {
    if (static_cast<unsigned char>(text_[end]) < 0x20)
      complain_at(end, "found a control character in a string, want ", quote, " before it");
    if (text_[end] != '\\') continue;
    if (grammar_ == literal_grammar::json)
      complain_at(end, "found an escape, want a name without any");
    ++end;
  }
  if (end >= text_.size() && is_rfc_8259()) complain_at(text_.size(), "want the end of a string");
  if (end >= text_.size()) complain_at(text_.size(), "found the end in a string, want ", quote);
  at_ = end + 1;
  return text_.substr(begin + 1, end - begin - 1);
}

ROLEWISE_INLINE void literal_reader::pass_over(int depth)
{
  constexpr int deepest = 64;  // bounds the stack that a file can use
  if (depth > deepest)
    complain_at(next(), "found more than ", deepest, " levels of nesting, want fewer");
  const auto inner = [&] { pass_over(depth + 1); };
  if (sees('['))
    elements('[', ']', inner);
  else if (sees('('))
    elements('(', ')', inner);
  else if (sees('{'))
    elements('{', '}', [&] {
      inner();
      want(':');
      inner();
    });
  else if (is_quote(at_) || sees_prefix())
    (void)string("a string");
  else
    pass_over_scalar();
}

ROLEWISE_INLINE bool literal_reader::is_quote(std::size_t offset) const
{
  return offset < text_.size() &&
         (text_[offset] == '"' ||
          (text_[offset] == '\'' && grammar_ == literal_grammar::json_or_python));
}

ROLEWISE_INLINE bool literal_reader::sees_prefix() const
{
  return grammar_ == literal_grammar::json_or_python && at_ < text_.size() && text_[at_] == 'u' &&
         is_quote(at_ + 1);
}

ROLEWISE_INLINE std::string_view literal_reader::word_at(std::size_t offset) const
{
  constexpr std::string_view marks = "+-._";
  auto end = offset;
  for (; end < text_.size(); ++end) {
    const char c = text_[end];
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_letter && !is_digit && marks.find(c) == std::string_view::npos) break;
  }
  return text_.substr(offset, end - offset);
}

ROLEWISE_INLINE std::string literal_reader::what_is_at(std::size_t offset) const
{
  if (offset >= text_.size()) return "the end";
  if (is_quote(offset)) return "a string";
  if (const auto word = word_at(offset); !word.empty()) return shown(word);
  const auto code = static_cast<unsigned char>(text_[offset]);
  if (code > 0x20 && code < 0x7F) return shown(text_.substr(offset, 1));
  return classic_text("a byte of value ", static_cast<int>(code));
}

ROLEWISE_INLINE void literal_reader::pass_over_scalar()
{
  constexpr std::array<std::string_view, 6> words{"null", "true", "false", "None", "True", "False"};
  (void)word("a value", [&](std::string_view found) {
    return is_number(found) || std::ranges::find(words, found) != words.end();
  });
}

}  // namespace rolewise::detail
