// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/byte_output_probe.hpp>.

#include <rolewise/network/detail/byte_output_probe.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE const integer_support& byte_output_support()
{
  static const integer_support support = integer_forward_support().available
                                             ? probe_byte_outputs(integer_operators::found())
                                             : integer_forward_support();
  return support;
}

}  // namespace rolewise::detail
