// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/json.hpp>.

#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/json.hpp>

#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE std::string json_text(std::string_view words)
{
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : valid_utf8(words)) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (text += '\\') += c;
    else if (code < 0x20)
      ((text += "\\u00") += digits[code >> 4U]) += digits[code & 15U];
    else
      text += c;
  }
  return text + '"';
}

ROLEWISE_INLINE json::json(double x)
{
  if (!std::isfinite(x)) return;
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), x);
  json_number number{{text.data(), end.ptr}};
  if (number.text.find_first_not_of("-0123456789") == std::string::npos) number.text += ".0";
  value_ = std::move(number);
}

ROLEWISE_INLINE bool json::is_integer() const
{
  const auto* number = std::get_if<json_number>(&value_);
  return number != nullptr && number->text.find_first_not_of("-0123456789") == std::string::npos;
}

ROLEWISE_INLINE const json& json::at(std::string_view name) const
{
  const auto* found = find(name);
  if (found == nullptr) throw json_error{0, classic_text("has no '", name, "'")};
  return *found;
}

ROLEWISE_INLINE void json::write(std::string& out, int depth, bool on_one_line) const
{
  if (const auto* b = std::get_if<bool>(&value_))
    out += *b ? "true" : "false";
  else if (const auto* number = std::get_if<json_number>(&value_))
    out += number->text;
  else if (const auto* words = std::get_if<std::string>(&value_))
    out += json_text(*words);
  else if (const auto* all = std::get_if<array>(&value_))
    write_list(out, *all, "[]", depth, on_one_line,
               [&](const json& x) { x.write(out, depth + 1, true); });
  else if (const auto* named = std::get_if<object>(&value_))
    write_list(out, *named, "{}", depth, on_one_line, [&](const auto& member) {
      out += json_text(member.first) + ": ";
      member.second.write(out, depth + 1, on_one_line);
    });
  else
    out += "null";
}

}  // namespace rolewise::detail
