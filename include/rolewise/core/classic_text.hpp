// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Text in the classic locale. Whatever locale a program has chosen for its users, with
/// `std::locale::global` or `setlocale`, files, names, keys and messages look the same.

#include <locale>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

namespace rolewise::detail {

/// What `<<` writes of each, one after the other, in the classic locale: digits without groups, a
/// point before fractions.
template<typename... Words>
[[nodiscard]] std::string classic_text(const Words&... words)
{
  std::ostringstream out;
  out.imbue(std::locale::classic());
  (void)(out << ... << words);
  return std::move(out).str();
}

/// The elements of a list, with `between` between them, in the same form.
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
