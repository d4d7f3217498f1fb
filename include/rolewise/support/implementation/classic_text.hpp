// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/classic_text.hpp>.

#include <rolewise/support/classic_text.hpp>

#include <locale>
#include <sstream>
#include <utility>

namespace rolewise::detail {

ROLEWISE_INLINE std::string joined_words(std::initializer_list<text_word> words)
{
  std::ostringstream out;
  out.imbue(std::locale::classic());
  for (const auto& word : words) word.write(out);
  return std::move(out).str();
}

}  // namespace rolewise::detail
