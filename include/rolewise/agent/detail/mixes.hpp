// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `mixes_examples`: whether an agent reads other examples.

#include <type_traits>

namespace rolewise::detail {

/// Returns `A::mixes`; false if the agent does not declare it.
template<typename A>
[[nodiscard]] consteval bool mixes_examples()
{
  if constexpr (requires { typename std::bool_constant<A::mixes>; })
    return A::mixes;
  else
    return false;
}

}  // namespace rolewise::detail
