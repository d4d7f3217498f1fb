// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/file_lock.hpp>.

#include <rolewise/support/file_lock.hpp>

#include <rolewise/support/error.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace rolewise::detail {

ROLEWISE_INLINE std::string host_name()
{
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "this machine";
  return name.data();
}

ROLEWISE_INLINE std::string holder_of(const descriptor& file)
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

ROLEWISE_INLINE file_lock::file_lock(descriptor file, const std::string& path,
                                     std::string_view advice)
    : file_{std::move(file)}
{
  if (take(file_) == result::held_elsewhere)
    throw_runtime_error(path, "is being written by ", holder_of(file_), advice.empty() ? "" : "; ",
                        advice);
}

ROLEWISE_INLINE file_lock::result file_lock::take(const descriptor& file)
{
  while (::flock(file.number(), LOCK_EX | LOCK_NB) != 0)
    if (errno != EINTR)
      return errno == EWOULDBLOCK ? result::held_elsewhere : result::no_locks_here;
  return result::taken;
}

}  // namespace rolewise::detail
