// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/file_identity.hpp>.

#include <rolewise/train/detail/file_identity.hpp>

#include <rolewise/support/error.hpp>

#include <sys/stat.h>
#include <cerrno>

namespace rolewise::detail {

ROLEWISE_INLINE std::optional<file_identity> identity_of(const std::string& path)
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
