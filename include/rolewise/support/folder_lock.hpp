// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A lock file for a directory: one process at a time.

#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/file_lock.hpp>
#include <rolewise/support/inline.hpp>

#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace rolewise::detail {

/// Exclusive lock on a resource, such as a directory, by a lock file. The lock file is created
/// for the lock and removed on release; one that a killed process has left is not locked. As with
/// `file_lock`, copies hold no lock.
class folder_lock {
 public:
  folder_lock() = default;
  folder_lock(const folder_lock&) noexcept {}
  folder_lock& operator=(const folder_lock&) noexcept
  {
    release();
    return *this;
  }
  folder_lock(folder_lock&& other) noexcept
      : path_{std::move(other.path_)}, lock_{std::move(other.lock_)}
  {}
  folder_lock& operator=(folder_lock&& other) noexcept
  {
    release();
    path_ = std::move(other.path_);
    lock_ = std::move(other.lock_);
    return *this;
  }
  ~folder_lock() { release(); }

  /// Holds no lock where the lock file cannot be created: no process can write there.
  /// @param called name of the locked resource in messages
  /// @throws std::runtime_error that names the holder, if it is locked; or if the lock file
  ///         exists and cannot be opened for writing
  folder_lock(std::string path, const std::string& called, std::string_view advice);

  [[nodiscard]] bool is_held() const noexcept { return lock_.is_held(); }

 private:
  void release() noexcept
  {
    if (lock_.is_held()) ::unlink(path_.c_str());
    lock_ = file_lock{};
  }

  std::string path_;
  file_lock lock_;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/folder_lock.hpp>
#endif
