// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Identity of a file, to detect that it was replaced or changed.

#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace rolewise::detail {

/// Device, inode number, size and modification time of a file; they differ once it is replaced.
struct file_identity {
  std::uint64_t device = 0, number = 0;
  std::int64_t size = 0, seconds = 0, nanoseconds = 0;  ///< time of the last modification

  friend bool operator==(const file_identity&, const file_identity&) = default;
};

/// Identity of the file at a path; `nullopt` if there is no such file.
/// @throws std::runtime_error that names the path if that cannot be found out: a file that cannot
///         be reached is not an absent one, which a new run may replace
[[nodiscard]] ROLEWISE_INLINE std::optional<file_identity> identity_of(const std::string& path);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/file_identity.hpp>
#endif
