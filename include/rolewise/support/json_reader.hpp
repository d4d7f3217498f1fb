// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// JSON parser for UTF-8 text, with or without a byte order mark.

#include <rolewise/support/inline.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/literal_reader.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rolewise::detail {

/// Whether a word is a number of JSON: Python also has `Infinity`, `.5`, `5.` and `007`.
[[nodiscard]] ROLEWISE_INLINE bool is_json_number(std::string_view word);

/// Parser of a text that is exactly one JSON value.
class json_reader {
 public:
  explicit json_reader(std::string_view text)
      : text_{text}, in_{"JSON", text, literal_grammar::rfc_8259}
  {}

  /// @throws json_error
  [[nodiscard]] json read()
  {
    auto whole = value(0);
    in_.want_end();
    return whole;
  }

 private:
  static constexpr int deepest = 64;  // bounds the stack, whatever the input

  [[noreturn]] void complain(std::string what) const { throw json_error{at_, std::move(what)}; }

  [[nodiscard]] char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  [[nodiscard]] json value(int depth);

  [[nodiscard]] json value_of_kind(int depth);

  /// @param raw a part of the text
  [[nodiscard]] std::string decoded(std::string_view raw);

  void escape(std::string& words);

  [[nodiscard]] std::uint32_t four_digits();

  void append_code(std::string& words);

  std::string_view text_;
  literal_reader in_;
  std::size_t at_ = 0;  // in a string with escapes
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/json_reader.hpp>
#endif
