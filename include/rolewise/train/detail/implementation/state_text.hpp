// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/state_text.hpp>.

#include <rolewise/train/detail/state_text.hpp>

#include <concepts>

namespace rolewise::detail {

ROLEWISE_INLINE std::string hex_of(std::uint64_t word)
{
  std::string text(16, '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, word >>= 4U)
    *at = "0123456789abcdef"[word & 15U];
  return text;
}

ROLEWISE_INLINE json exact_json(const std::string& x)
{
  if (is_utf8(x)) return x;
  std::string digits;
  for (const char c : x) digits += hex_of(static_cast<unsigned char>(c)).substr(14);
  return in_hex(std::move(digits));
}

ROLEWISE_INLINE void take_json(const json& text, double& x)
{
  x = text.is_object() ? std::bit_cast<double>(word_of_hex<std::uint64_t>(text.at("hex").text()))
                       : text.number<double>();
}

ROLEWISE_INLINE void take_json(const json& text, std::string& x)
{
  if (!text.is_object()) {
    x = text.text();
    return;
  }
  const std::string_view digits = text.at("hex").text();
  for (std::size_t i = 0; i < digits.size(); i += 2)
    x += static_cast<char>(word_of_hex<std::uint8_t>(digits.substr(i, 2)));
}

ROLEWISE_INLINE std::string text_of_value(const state_entry::value_type& value)
{
  return std::visit(
      []<typename T>(const T& x) {
        std::string text{kind_of_value<T>};
        if constexpr (!std::same_as<T, torch::Tensor>) exact_json(x).write(text += ' ', 0, true);
        return text;
      },
      value);
}

}  // namespace rolewise::detail
