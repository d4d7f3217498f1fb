// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/taps.hpp>.

#include <rolewise/core/taps.hpp>

namespace rolewise {

ROLEWISE_INLINE std::string to_text(const taps& all)
{
  std::string text;
  all.for_each([&](tap_id id) {
    if (!text.empty()) text += ", ";
    text += tap_name{id}.view();
  });
  return text.empty() ? "none" : text;
}

}  // namespace rolewise
