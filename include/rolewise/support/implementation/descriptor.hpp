// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/descriptor.hpp>.

#include <rolewise/support/descriptor.hpp>

#include <fcntl.h>
#include <cerrno>

namespace rolewise::detail {

ROLEWISE_INLINE descriptor open_file(const std::string& path, int flags, unsigned mode)
{
  descriptor file{::open(path.c_str(), flags | O_CLOEXEC, mode)};
  if (file.is_open() && file.number() <= STDERR_FILENO)
    return descriptor{::fcntl(file.number(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
  return file;
}

ROLEWISE_INLINE int write_all(const descriptor& file, std::string_view bytes)
{
  while (!bytes.empty()) {
    const auto count = ::write(file.number(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0 ? ENOSPC : errno;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

}  // namespace rolewise::detail
