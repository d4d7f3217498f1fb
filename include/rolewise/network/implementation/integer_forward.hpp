// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/integer_forward.hpp>.

#include <rolewise/network/integer_forward.hpp>

#include <rolewise/network/detail/integer_probe.hpp>

namespace rolewise {

ROLEWISE_INLINE const integer_support& integer_forward_support()
{
  static const integer_support support =
      detail::probe_integer_operators(detail::integer_operators::found());
  return support;
}

}  // namespace rolewise
