// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/detail/type_name.hpp>.

#include <rolewise/core/detail/type_name.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE std::size_t closing(std::string_view text, std::size_t from, char open, char close)
{
  int depth = 0;
  for (auto i = from; i < text.size(); ++i) {
    depth += text[i] == open ? 1 : text[i] == close ? -1 : 0;
    if (depth == 0) return i;
  }
  return text.size() - 1;
}

ROLEWISE_INLINE std::string last_part(std::string_view written)
{
  std::string name;
  for (std::size_t i = 0; i < written.size(); ++i) {
    const auto rest = written.substr(i);
    if (rest.starts_with("(lambda at ") || rest.starts_with("<lambda")) return "lambda";
    if (rest.starts_with("::"))
      name.clear();
    else if (is_identifier_letter(rest[0]))
      name += rest[0];
    else if (rest[0] == '<')
      i = closing(written, i, '<', '>');
    else if (rest[0] == '(')
      i = closing(written, i, '(', ')');
    else if (rest[0] == '[')
      i = closing(written, i, '[', ']');
    else if (rest[0] == '{')
      i = closing(written, i, '{', '}');
  }
  return name;
}

}  // namespace rolewise::detail
