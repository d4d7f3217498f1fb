// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/error.hpp>.

#include <rolewise/support/error.hpp>

#include <string>

namespace rolewise::detail {

[[nodiscard]] ROLEWISE_INLINE std::string message_of(std::string_view who,
                                                     std::initializer_list<text_word> words)
{
  return classic_text("rolewise: ", who, ": ", joined_words(words));
}

ROLEWISE_INLINE void throw_invalid_argument_of(std::string_view who,
                                               std::initializer_list<text_word> words)
{
  throw std::invalid_argument{message_of(who, words)};
}

ROLEWISE_INLINE void throw_runtime_error_of(std::string_view who,
                                            std::initializer_list<text_word> words)
{
  throw std::runtime_error{message_of(who, words)};
}

}  // namespace rolewise::detail
