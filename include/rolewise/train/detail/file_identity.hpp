// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Identity of a file, to detect that it was replaced or changed.

#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/error.hpp>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/stat.h>

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
[[nodiscard]] inline std::optional<file_identity> identity_of(const std::string& path)
{
  struct ::stat about{};
  if (::stat(path.c_str(), &about) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw_runtime_error(path, "cannot be looked at: ", reason_of(errno));
  }
  return file_identity{.device = about.st_dev,
                       .number = about.st_ino,
                       .size = about.st_size,
                       .seconds = about.st_mtim.tv_sec,
                       .nanoseconds = about.st_mtim.tv_nsec};
}

}  // namespace rolewise::detail
