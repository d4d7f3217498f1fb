// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Whether an agent looks at other examples.

#include <type_traits>

namespace rolewise::detail {

/// What an agent says by `static constexpr bool mixes`; false if it says nothing.
template<typename A>
[[nodiscard]] consteval bool mixes_examples()
{
  if constexpr (requires { typename std::bool_constant<A::mixes>; })
    return A::mixes;
  else
    return false;
}

}  // namespace rolewise::detail
