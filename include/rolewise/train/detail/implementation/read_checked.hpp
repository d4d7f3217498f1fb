// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/read_checked.hpp>.

#include <rolewise/train/detail/read_checked.hpp>

#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

namespace rolewise::detail {

ROLEWISE_INLINE std::optional<std::string> read_if_there(const std::string& path)
{
  // O_NONBLOCK: opening a FIFO without a writer would block forever
  const int number = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (number < 0) {
    if (errno == ENOENT) return std::nullopt;
    throw_runtime_error(path, "cannot be read: ", std::strerror(errno));
  }
  const descriptor in{number};
  struct ::stat about{};
  if (::fstat(number, &about) != 0)
    throw_runtime_error(path, "cannot be read: ", std::strerror(errno));
  if (!S_ISREG(about.st_mode)) throw_runtime_error(path, "cannot be read: it is no regular file");
  std::string bytes(static_cast<std::size_t>(about.st_size), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto count = ::read(number, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_runtime_error(path, "cannot be read: ", std::strerror(errno));
    if (count == 0) break;  // the file was truncated meanwhile
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

ROLEWISE_INLINE std::string read_checked(const std::string& path)
{
  auto bytes = read_if_there(path);
  if (!bytes) throw_runtime_error(path, "cannot be read: ", std::strerror(ENOENT));
  return *std::move(bytes);
}

}  // namespace rolewise::detail
