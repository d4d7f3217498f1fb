// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `literal_reader`: a cursor over JSON and Python literals, the one parser of both.

#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rolewise::detail {

/// Quotes text of a file for a message: at most 40 bytes, unprintable ones replaced by `?`.
[[nodiscard]] ROLEWISE_INLINE std::string shown(std::string_view words);

/// Whether a word is a number of Python without underscores, `Infinity` and `NaN` included.
[[nodiscard]] ROLEWISE_INLINE bool is_number(std::string_view word);

/// Exception of the JSON code: what could not be read, and at which byte.
struct json_error {
  std::size_t byte = 0;
  std::string what;
};

enum class literal_grammar : std::uint8_t {
  rfc_8259,        ///< JSON; escapes are left to the caller, and errors are `json_error`s
  json,            ///< the same without escapes; errors name line and column, as with Python
  json_or_python,  ///< quotes of both kinds, `u''`, tuples, `None` and `null`, in any mixture
};

/// A cursor over a text, starting after its byte order mark, if any. Each read returns the
/// requested token or throws an error that states what was found instead.
///
/// Whitespace between tokens is skipped. Unless they are `json_error`s, errors are
/// `std::runtime_error`s of the form `rolewise: <source>:<line>:<column>: found ..., want ...`;
/// lines and columns count from 1, columns in bytes.
class literal_reader {
 public:
  /// @param source name of the text in messages: a path
  /// @param first_line line number of the text's first line
  literal_reader(std::string_view source, std::string_view text, literal_grammar grammar,
                 std::size_t first_line = 1);

  /// Skips whitespace and returns the offset of the next token.
  [[nodiscard]] std::size_t next()
  {
    at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
    return at_;
  }
  [[nodiscard]] bool sees(char c) { return next() < text_.size() && text_[at_] == c; }
  [[nodiscard]] bool take(char c)
  {
    const bool is_there = sees(c);
    if (is_there) ++at_;
    return is_there;
  }
  void want(char c)
  {
    if (!take(c)) complain("'", c, "'");
  }
  [[nodiscard]] bool sees_end() { return next() == text_.size(); }
  void want_end()
  {
    if (!sees_end()) complain("the end");
  }

  [[nodiscard]] std::int64_t integer(std::string_view wanted);

  /// Reads a number or a name without quotes.
  /// @param accepts `(word)` returns whether it is what is wanted
  template<typename Accepts>
  [[nodiscard]] std::string_view word(std::string_view wanted, Accepts&& accepts)
  {
    const auto found = word_at(next());
    if (!accepts(found)) complain(wanted);
    at_ += found.size();
    return found;
  }

  /// Reads a string and returns the text between its quotes. Escapes are not decoded.
  [[nodiscard]] std::string_view string(std::string_view wanted);

  /// Reads `open`, elements separated by commas, `close`; calls `read_one()` to read an element.
  template<typename F>
  void elements(char open, char close, F&& read_one)
  {
    want(open);
    if (take(close)) return;
    do {
      if (open == '(' && sees(close)) break;  // (1,)
      read_one();
    } while (take(','));
    if (!take(close)) complain("',' or '", close, "'");
  }

  /// Reads `{`, members separated by commas, `}`; calls `read_value(name, offset of the name)` to
  /// read a value.
  template<typename F>
  void members(F&& read_value)
  {
    elements('{', '}', [&] {
      const auto where = next();
      const auto name = string(is_rfc_8259() ? "a name" : "a name in quotes");
      want(':');
      read_value(name, where);
    });
  }

  /// Skips a value of any kind.
  void pass_over(int depth = 0);

  /// Throws the error `found <next token>, want <words>`; by RFC 8259 `want <words>`.
  template<typename... Words>
  [[noreturn]] void complain(const Words&... wanted)
  {
    const auto where = next();
    if (is_rfc_8259()) complain_at(where, "want ", wanted...);
    complain_at(where, "found ", what_is_at(where), ", want ", wanted...);
  }
  template<typename... Words>
  [[noreturn]] void complain_at(std::size_t offset, const Words&... words) const
  {
    if (is_rfc_8259()) throw json_error{offset, classic_text(words...)};
    const auto before = text_.substr(std::min(begin_, offset), offset - std::min(begin_, offset));
    const auto line = first_line_ + static_cast<std::size_t>(std::ranges::count(before, '\n'));
    const auto column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
    throw_runtime_error(classic_text(source_, ":", line, ":", column), words...);
  }

 private:
  [[nodiscard]] bool is_rfc_8259() const { return grammar_ == literal_grammar::rfc_8259; }
  [[nodiscard]] bool is_quote(std::size_t offset) const;
  /// Whether a Unicode string of Python 2 comes next: u'10'.
  [[nodiscard]] bool sees_prefix() const;

  [[nodiscard]] std::string_view word_at(std::size_t offset) const;

  [[nodiscard]] std::string what_is_at(std::size_t offset) const;

  void pass_over_scalar();

  std::string_view source_;
  std::string_view text_;
  literal_grammar grammar_;
  std::size_t first_line_;
  std::size_t begin_ = 0;  // after a byte order mark
  std::size_t at_ = 0;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/literal_reader.hpp>
#endif
