// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// How the library says no: who, what was found, what was wanted.

#include <c10/util/StringUtil.h>  // c10::str

#include <stdexcept>
#include <string_view>

namespace rolewise {

/// What the caller did wrong: `rolewise: <who>: <what was found and what was wanted>`.
template<typename... Words>
[[noreturn]] void refuse(std::string_view who, const Words&... words)
{
  throw std::invalid_argument{c10::str("rolewise: ", who, ": ", words...)};
}

/// What the world did wrong (a file, a disk, a number that is not finite), in the same form.
template<typename... Words>
[[noreturn]] void fail(std::string_view who, const Words&... words)
{
  throw std::runtime_error{c10::str("rolewise: ", who, ": ", words...)};
}

}  // namespace rolewise
