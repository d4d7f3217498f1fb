// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// One process at a time.

#include <rolewise/core/descriptor.hpp>
#include <rolewise/core/error.hpp>

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

/// Who has the lock of an open file: `process 4242 (role_wise) on tuba`. The system lists the locks
/// of its own processes; of a file that another machine has locked it knows no more.
[[nodiscard]] inline std::string holder_of(const descriptor& file)
{
  struct ::stat about{};
  if (::fstat(file.number(), &about) != 0) return "another process";
  // The device as Linux writes it: its major and minor number, then the file.
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

/// A hold on an open file, of which there is one at a time, among processes and within one. It ends
/// with the object, and with the process however that ends. A copy holds nothing, so that values
/// that have a hold can be copied.
///
/// The lock is `flock`'s. On a file system without locks there is none.
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

  /// @param path what messages call the file
  /// @param advice goes behind who holds it
  /// @throws std::runtime_error that says who holds it, if somebody does
  file_lock(descriptor file, const std::string& path, std::string_view advice)
      : file_{std::move(file)}
  {
    if (take(file_) == result::held_elsewhere)
      fail(path, "is being written by ", holder_of(file_), advice.empty() ? "" : "; ", advice);
  }

  enum class result { taken, held_elsewhere, no_locks_here };

  /// Takes the lock of an open file, which has it until it is closed.
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
