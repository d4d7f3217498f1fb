// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// An exclusive lock on an open file, and the process that holds it.

#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/inline.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace rolewise::detail {

[[nodiscard]] ROLEWISE_INLINE std::string host_name();

/// Describes the holder of the lock on an open file: `process 4242 (role_wise) on tuba`. The
/// system lists only the locks of its own processes, so a holder on another machine has no name.
[[nodiscard]] ROLEWISE_INLINE std::string holder_of(const descriptor& file);

/// Exclusive lock on an open file, among processes and within one. Released with the object, and
/// with the process however that ends. A copy holds no lock, so that types with a lock as a
/// member stay copyable.
///
/// The lock is `flock`'s. On a file system without locks nothing is locked.
class file_lock {
 public:
  file_lock() = default;
  file_lock(const file_lock&) noexcept {}
  file_lock& operator=(const file_lock&) noexcept
  {
    file_ = descriptor{};
    return *this;
  }
  file_lock(file_lock&&) = default;
  file_lock& operator=(file_lock&& other) noexcept
  {
    file_ = std::exchange(other.file_, descriptor{});
    return *this;
  }
  ~file_lock() = default;

  /// @param path name of the file in messages
  /// @param advice appended to the message, after the holder
  /// @throws std::runtime_error that names the holder, if the file is locked
  file_lock(descriptor file, const std::string& path, std::string_view advice);

  enum class result { taken, held_elsewhere, no_locks_here };

  /// Tries to lock an open file, without waiting; the lock lasts until the file is closed.
  [[nodiscard]] static result take(const descriptor& file);

  [[nodiscard]] const descriptor& file() const noexcept { return file_; }
  [[nodiscard]] bool is_held() const noexcept { return file_.is_open(); }

 private:
  descriptor file_;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/file_lock.hpp>
#endif
