// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// As much JSON (RFC 8259) as records need. The usual library would add a sixth to the time that a
/// unit takes which includes everything.

#include <rolewise/core/error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise::detail {

/// What could not be read, and where.
struct json_error {
  std::size_t byte = 0;
  std::string what;
};

/// A number as it is written: conversion waits until somebody knows what it should be.
struct json_number {
  std::string text;
};

class json {
 public:
  using array = std::vector<json>;
  using object = std::vector<std::pair<std::string, json>>;  // in the order of the text

  json() = default;
  json(bool x) : value_{x} {}
  json(std::string x) : value_{std::move(x)} {}
  json(const char* x) : value_{std::string{x}} {}
  json(std::int64_t x) : value_{json_number{std::to_string(x)}} {}
  json(std::uint64_t x) : value_{json_number{std::to_string(x)}} {}
  json(array x) : value_{std::move(x)} {}
  json(object x) : value_{std::move(x)} {}
  json(json_number x) : value_{std::move(x)} {}
  /// The shortest text that reads back as the same bits, never that of an integer; `null` for what
  /// is not finite.
  json(double x)
  {
    if (!std::isfinite(x)) return;
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), x);
    json_number number{{text.data(), end.ptr}};
    if (number.text.find_first_not_of("-0123456789") == std::string::npos) number.text += ".0";
    value_ = std::move(number);
  }

  [[nodiscard]] bool is_null() const { return value_.index() == 0; }
  [[nodiscard]] bool is_bool() const { return std::holds_alternative<bool>(value_); }
  [[nodiscard]] bool is_text() const { return std::holds_alternative<std::string>(value_); }
  [[nodiscard]] bool is_integer() const
  {
    const auto* number = std::get_if<json_number>(&value_);
    return number != nullptr && number->text.find_first_not_of("-0123456789") == std::string::npos;
  }

  // Each throws a json_error where the value is of another kind.
  [[nodiscard]] bool boolean() const { return as<bool>("true or false"); }
  [[nodiscard]] const std::string& text() const { return as<std::string>("a string"); }
  [[nodiscard]] const array& elements() const { return as<array>("an array"); }
  [[nodiscard]] const object& members() const { return as<object>("an object"); }
  template<typename Number>
  [[nodiscard]] Number number() const
  {
    const auto& written = as<json_number>("a number").text;
    Number x{};
    const auto* end = written.data() + written.size();
    const auto [stop, error] = std::from_chars(written.data(), end, x);
    if (error != std::errc{} || stop != end)
      throw json_error{0, c10::str("the number ", written, " does not fit")};
    return x;
  }
  /// `null` is NaN.
  [[nodiscard]] double real() const
  {
    return is_null() ? std::numeric_limits<double>::quiet_NaN() : number<double>();
  }

  /// The member of this name, or null.
  [[nodiscard]] const json* find(std::string_view name) const
  {
    for (const auto& [known, x] : members())
      if (known == name) return &x;
    return nullptr;
  }
  [[nodiscard]] const json& at(std::string_view name) const
  {
    const auto* found = find(name);
    if (found == nullptr) throw json_error{0, c10::str("has no '", name, "'")};
    return *found;
  }

  /// Members and elements on lines of their own, but what is in an array on one line.
  void write(std::string& out, int depth = 0, bool on_one_line = false) const
  {
    if (const auto* b = std::get_if<bool>(&value_))
      out += *b ? "true" : "false";
    else if (const auto* number = std::get_if<json_number>(&value_))
      out += number->text;
    else if (const auto* words = std::get_if<std::string>(&value_))
      write_text(out, *words);
    else if (const auto* all = std::get_if<array>(&value_))
      write_list(out, *all, "[]", depth, on_one_line,
                 [&](const json& x) { x.write(out, depth + 1, true); });
    else if (const auto* named = std::get_if<object>(&value_))
      write_list(out, *named, "{}", depth, on_one_line, [&](const auto& member) {
        write_text(out, member.first);
        out += ": ";
        member.second.write(out, depth + 1, on_one_line);
      });
    else
      out += "null";
  }

 private:
  template<typename T>
  [[nodiscard]] const T& as(const char* wanted) const
  {
    if (const auto* x = std::get_if<T>(&value_)) return *x;
    throw json_error{0, c10::str("has no ", wanted, " where one is wanted")};
  }

  template<typename List, typename F>
  static void write_list(std::string& out, const List& list, const char* brackets, int depth,
                         bool on_one_line, F&& write_one)
  {
    const auto break_line = [&](int to) {
      if (!on_one_line && !list.empty())
        out.append("\n").append(static_cast<std::size_t>(2 * to), ' ');
    };
    out += brackets[0];
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out += on_one_line ? ", " : ",";
      break_line(depth + 1);
      write_one(list[i]);
    }
    break_line(depth);
    out += brackets[1];
  }

  static void write_text(std::string& out, std::string_view words)
  {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    for (const char c : words) {
      const auto code = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\')
        (out += '\\') += c;
      else if (code < 0x20)
        ((out += "\\u00") += digits[code >> 4U]) += digits[code & 15U];
      else
        out += c;
    }
    out += '"';
  }

  std::variant<std::monostate, bool, json_number, std::string, array, object> value_;
};

/// Reads one value and nothing after it.
class json_reader {
 public:
  explicit json_reader(std::string_view text) : text_{text} {}

  /// @throws json_error
  [[nodiscard]] json read()
  {
    auto whole = value(0);
    skip_space();
    if (at_ != text_.size()) complain("want the end");
    return whole;
  }

 private:
  static constexpr int deepest = 64;  // a file must not choose how much stack is used

  [[noreturn]] void complain(const char* what) const { throw json_error{at_, what}; }

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
