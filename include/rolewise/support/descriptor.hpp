// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// RAII file descriptors: opening files and writing to them.

#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace rolewise::detail {

/// RAII file descriptor: closes the file on destruction.
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

/// Opens a file, never as the descriptor of standard input, output or error: if those are closed,
/// what a program prints would go into the file.
/// @return the descriptor; one that is not open, with the reason in `errno`, if opening fails
[[nodiscard]] ROLEWISE_INLINE descriptor open_file(const std::string& path, int flags,
                                                   unsigned mode = 0644);

/// Writes all bytes at the current file offset.
/// @return 0, or the `errno` of the failure; part of the bytes may have been written then
[[nodiscard]] ROLEWISE_INLINE int write_all(const descriptor& file, std::string_view bytes);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/descriptor.hpp>
#endif
