// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Text formatting in the classic locale: files, names, keys and messages look the same under any
/// locale that a program sets with `std::locale::global` or `setlocale`.

#include <locale>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace rolewise::detail {

/// Returns what `<<` writes of each argument, concatenated, in the classic locale: no digit
/// grouping, a decimal point.
template<typename... Words>
[[nodiscard]] std::string classic_text(const Words&... words)
{
  std::ostringstream out;
  out.imbue(std::locale::classic());
  (void)(out << ... << words);
  return std::move(out).str();
}

/// Returns the elements of a list in the same format, separated by `between`.
template<typename List>
[[nodiscard]] std::string classic_list(std::string_view between, const List& list)
{
  std::ostringstream out;
  out.imbue(std::locale::classic());
  std::string_view before;
  for (const auto& element : list) {
    out << before << element;
    before = between;
  }
  return std::move(out).str();
}

}  // namespace rolewise::detail
