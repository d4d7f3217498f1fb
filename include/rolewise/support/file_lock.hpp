// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// An exclusive lock on an open file, and the process that holds it.

#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/error.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rolewise::detail {

[[nodiscard]] inline std::string host_name()
{
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "this machine";
  return name.data();
}

/// Describes the holder of the lock on an open file: `process 4242 (role_wise) on tuba`. The
/// system lists only the locks of its own processes, so a holder on another machine has no name.
[[nodiscard]] inline std::string holder_of(const descriptor& file)
{
  struct ::stat about{};
  if (::fstat(file.number(), &about) != 0) return "another process";
  // The file as /proc/locks lists it: major and minor number of the device, then the inode.
  const auto device = static_cast<unsigned long long>(about.st_dev);
  const auto major = ((device >> 8U) & 0xFFFU) | ((device >> 32U) & ~0xFFFULL);
  const auto minor = (device & 0xFFU) | ((device >> 12U) & ~0xFFULL);
  std::array<char, 64> place{};
  std::snprintf(place.data(), place.size(), "%02llx:%02llx:%llu", major, minor,
                static_cast<unsigned long long>(about.st_ino));
  std::ifstream locks{"/proc/locks"};
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words{line};
    std::string number, kind, advice, use, process, where;
    words >> number >> kind >> advice >> use >> process >> where;
    if (kind != "FLOCK" || where != place.data()) continue;
    if (process == std::to_string(::getpid())) return "this process (" + process + ")";
    std::string name;
    std::ifstream about_it{"/proc/" + process + "/comm"};
    std::getline(about_it, name);
    return "process " + process + (name.empty() ? "" : " (" + name + ")") + " on " + host_name();
  }
  return "another process, here or on another machine";
}

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
  file_lock(descriptor file, const std::string& path, std::string_view advice)
      : file_{std::move(file)}
  {
    if (take(file_) == result::held_elsewhere)
      throw_runtime_error(path, "is being written by ", holder_of(file_),
                          advice.empty() ? "" : "; ", advice);
  }

  enum class result { taken, held_elsewhere, no_locks_here };

  /// Tries to lock an open file, without waiting; the lock lasts until the file is closed.
  [[nodiscard]] static result take(const descriptor& file)
  {
    while (::flock(file.number(), LOCK_EX | LOCK_NB) != 0)
      if (errno != EINTR)
        return errno == EWOULDBLOCK ? result::held_elsewhere : result::no_locks_here;
    return result::taken;
  }

  [[nodiscard]] const descriptor& file() const noexcept { return file_; }
  [[nodiscard]] bool is_held() const noexcept { return file_.is_open(); }

 private:
  descriptor file_;
};

}  // namespace rolewise::detail
