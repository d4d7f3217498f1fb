// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Reads a whole file into a string of bytes.

#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace rolewise::detail {

/// All bytes of a file; `nullopt` if it does not exist.
/// @throws std::runtime_error that names the file and the system's reason
[[nodiscard]] ROLEWISE_INLINE std::optional<std::string> read_if_there(const std::string& path);

/// All bytes of a file that must exist.
[[nodiscard]] ROLEWISE_INLINE std::string read_checked(const std::string& path);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/read_checked.hpp>
#endif
