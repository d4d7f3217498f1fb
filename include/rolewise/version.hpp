// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The version of the library. The build system reads it from here.

#include <string_view>

#define ROLEWISE_VERSION_MAJOR 0
#define ROLEWISE_VERSION_MINOR 1
#define ROLEWISE_VERSION_PATCH 0

#define ROLEWISE_DETAIL_TEXT(number) #number
#define ROLEWISE_DETAIL_VERSION(major, minor, patch) \
  ROLEWISE_DETAIL_TEXT(major) "." ROLEWISE_DETAIL_TEXT(minor) "." ROLEWISE_DETAIL_TEXT(patch)

namespace rolewise {

/// "major.minor.patch". Before 1.0.0 a new minor version may break code that uses the previous
/// one.
inline constexpr std::string_view version =
    ROLEWISE_DETAIL_VERSION(ROLEWISE_VERSION_MAJOR, ROLEWISE_VERSION_MINOR, ROLEWISE_VERSION_PATCH);

}  // namespace rolewise

#undef ROLEWISE_DETAIL_VERSION
#undef ROLEWISE_DETAIL_TEXT
