// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// JSON parser for UTF-8 text, with or without a byte order mark.

#include <rolewise/core/json.hpp>
#include <rolewise/core/utf8.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rolewise::detail {

/// Parser of a text that is exactly one JSON value.
class json_reader {
 public:
  explicit json_reader(std::string_view text) : text_{text} {}

  /// @throws json_error
  [[nodiscard]] json read()
  {
    if (const auto other = foreign_encoding(text_); !other.empty())
      complain(std::string{"is in "}.append(other).append(", want UTF-8"));
    at_ = byte_order_mark_of(text_);
    auto whole = value(0);
    skip_space();
    if (at_ != text_.size()) complain("want the end");
    return whole;
  }

 private:
  static constexpr int deepest = 64;  // bounds the stack, whatever the input

  [[noreturn]] void complain(std::string what) const { throw json_error{at_, std::move(what)}; }

  [[nodiscard]] char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space()
  {
    while (at_ < text_.size() &&
           std::string_view{" \t\r\n"}.find(text_[at_]) != std::string_view::npos)
      ++at_;
  }

  [[nodiscard]] bool take(std::string_view words)
  {
    if (text_.substr(at_, words.size()) != words) return false;
    at_ += words.size();
    return true;
  }

  [[nodiscard]] json value(int depth)
  {
    if (depth > deepest) complain("is nested too deeply");
    skip_space();
    const auto begin = at_;
    auto x = value_here(depth);
    x.set_byte(begin);
    return x;
  }

  [[nodiscard]] json value_here(int depth)
  {
    if (next() == '{') return object(depth);
    if (next() == '[') return array(depth);
    if (next() == '"') return string();
    if (take("true")) return true;
    if (take("false")) return false;
    if (take("null")) return {};
    return number();
  }

  [[nodiscard]] json object(int depth)
  {
    json::object members;
    ++at_;
    skip_space();
    if (take("}")) return members;
    do {
      skip_space();
      if (next() != '"') complain("want a name");
      auto name = string();
      skip_space();
      if (!take(":")) complain("want ':'");
      members.emplace_back(std::move(name), value(depth + 1));
      skip_space();
    } while (take(","));
    if (!take("}")) complain("want ',' or '}'");
    return members;
  }

  [[nodiscard]] json array(int depth)
  {
    json::array elements;
    ++at_;
    skip_space();
    if (take("]")) return elements;
    do {
      elements.push_back(value(depth + 1));
      skip_space();
    } while (take(","));
    if (!take("]")) complain("want ',' or ']'");
    return elements;
  }

  [[nodiscard]] json number()
  {
    const auto begin = at_;
    const auto digits = [&] {
      const auto from = at_;
      while (next() >= '0' && next() <= '9') ++at_;
      if (at_ == from) complain("want a value");
    };
    if (next() == '-') ++at_;
    digits();
    if (take(".")) digits();
    if (next() == 'e' || next() == 'E') {
      ++at_;
      if (next() == '+' || next() == '-') ++at_;
      digits();
    }
    return json_number{std::string{text_.substr(begin, at_ - begin)}};
  }

  [[nodiscard]] std::string string()
  {
    std::string words;
    for (++at_; next() != '"'; ++at_) {
      if (at_ >= text_.size()) complain("want the end of a string");
      if (static_cast<unsigned char>(text_[at_]) < 0x20) complain("has a control character");
      if (text_[at_] == '\\')
        escape(words);
      else
        words += text_[at_];
    }
    ++at_;
    return words;
  }

  void escape(std::string& words)
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

  [[nodiscard]] std::uint32_t four_digits()
  {
    std::uint32_t code = 0;
    const auto digits = text_.substr(std::min(at_ + 1, text_.size()), 4);
    const auto [stop, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (error != std::errc{} || stop != digits.data() + 4) complain("want four hexadecimal digits");
    at_ += 4;
    return code;
  }

  void append_code(std::string& words)
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

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace rolewise::detail
