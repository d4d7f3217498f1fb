// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// How the library says no: who, what was found, what was wanted.

#include <rolewise/core/classic_text.hpp>

#include <stdexcept>
#include <string_view>

namespace rolewise {

/// What the caller did wrong: `rolewise: <who>: <what was found and what was wanted>`, with numbers
/// in the classic locale.
template<typename... Words>
[[noreturn]] void refuse(std::string_view who, const Words&... words)
{
  throw std::invalid_argument{detail::classic_text("rolewise: ", who, ": ", words...)};
}

/// What the world did wrong (a file, a disk, a number that is not finite), in the same form.
template<typename... Words>
[[noreturn]] void fail(std::string_view who, const Words&... words)
{
  throw std::runtime_error{detail::classic_text("rolewise: ", who, ": ", words...)};
}

}  // namespace rolewise
