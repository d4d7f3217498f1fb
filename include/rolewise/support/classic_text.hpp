// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Text formatting in the classic locale: files, names, keys and messages look the same under any
/// locale that a program sets with `std::locale::global` or `setlocale`.

#include <rolewise/support/inline.hpp>

#include <concepts>
#include <initializer_list>
#include <ios>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>

namespace rolewise::detail {

/// A reference to a value that can be written to a stream. Its type is gone, so that one function
/// writes texts of all of them: a message costs a unit no template of its own.
class text_word {
 public:
  text_word(std::string_view text) : text_{text} {}  // NOLINT: a conversion

  text_word(std::ios_base& (*manipulator)(std::ios_base&))  // NOLINT: a conversion
      : manipulator_{manipulator}
  {}

  template<typename T>
    requires(std::is_object_v<T> && !std::convertible_to<const T&, std::string_view>)
  text_word(const T& value)  // NOLINT: a conversion
      : value_{&value},
        write_{[](std::ostream& out, const void* x) { out << *static_cast<const T*>(x); }}
  {}

  void write(std::ostream& out) const
  {
    if (write_)
      write_(out, value_);
    else if (manipulator_)
      manipulator_(out);
    else
      out << text_;
  }

 private:
  std::string_view text_;
  std::ios_base& (*manipulator_)(std::ios_base&) = nullptr;
  const void* value_ = nullptr;
  void (*write_)(std::ostream&, const void*) = nullptr;
};

/// Returns what `<<` writes of each word, concatenated, in the classic locale: no digit grouping,
/// a decimal point.
[[nodiscard]] ROLEWISE_INLINE std::string joined_words(std::initializer_list<text_word> words);

/// Returns what `<<` writes of each argument, concatenated, in the classic locale.
template<typename... Words>
[[nodiscard]] std::string classic_text(const Words&... words)
{
  return joined_words({text_word(words)...});
}

/// Returns the elements of a list in the same format, separated by `between`.
template<typename List>
[[nodiscard]] std::string classic_list(std::string_view between, const List& list)
{
  std::string text;
  std::string_view before;
  for (const auto& element : list) {
    text += joined_words({text_word(before), text_word(element)});
    before = between;
  }
  return text;
}

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/classic_text.hpp>
#endif
