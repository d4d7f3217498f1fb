// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/naming_trial.hpp>.

#include <rolewise/train/detail/naming_trial.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE std::string_view without_library_name(std::string_view words)
{
  constexpr std::string_view own = "rolewise: ";
  return words.starts_with(own) ? words.substr(own.size()) : words;
}

}  // namespace rolewise::detail
