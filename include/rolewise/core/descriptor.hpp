// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Open files of the system.

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace rolewise::detail {

/// A file descriptor that closes itself.
class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int number) noexcept : number_{number} {}
  descriptor(descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
  descriptor& operator=(descriptor&& other) noexcept
  {
    std::swap(number_, other.number_);
    return *this;
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor()
  {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const noexcept { return number_; }
  [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }

 private:
  int number_ = -1;
};

[[nodiscard]] inline std::string reason_of(int error) { return std::strerror(error); }

/// Opens a file, never under the numbers of standard input, output and error: where those are
/// closed, what a program prints would go into the file.
/// @return one that is not open, and `errno`, if it cannot be opened
[[nodiscard]] inline descriptor open_file(const std::string& path, int flags, unsigned mode = 0644)
{
  descriptor file{::open(path.c_str(), flags | O_CLOEXEC, mode)};
  if (file.is_open() && file.number() <= STDERR_FILENO)
    return descriptor{::fcntl(file.number(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
  return file;
}

/// Writes all bytes at the file's position.
/// @return 0, or the `errno` of what went wrong; part of the bytes may have been written then
[[nodiscard]] inline int write_all(const descriptor& file, std::string_view bytes)
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
