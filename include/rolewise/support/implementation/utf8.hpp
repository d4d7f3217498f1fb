// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/utf8.hpp>.

#include <rolewise/support/utf8.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE std::string valid_utf8(std::string_view text)
{
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const auto [length, is_character] = first_piece(text);
    valid += is_character ? text.substr(0, length) : replacement_character;
    text.remove_prefix(length);
  }
  return valid;
}

}  // namespace rolewise::detail
