// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/folder_lock.hpp>.

#include <rolewise/support/folder_lock.hpp>

#include <rolewise/support/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <cerrno>

namespace rolewise::detail {

ROLEWISE_INLINE folder_lock::folder_lock(std::string path, const std::string& called,
                                         std::string_view advice)
    : path_{std::move(path)}
{
  while (true) {
    auto file = open_file(path_, O_RDWR | O_CREAT);
    if (!file.is_open()) {
      const int error = errno;
      if (::access(path_.c_str(), F_OK) != 0) return;
      throw_runtime_error(path_, "cannot be written: ", reason_of(error));
    }
    file_lock lock{std::move(file), called, advice};
    struct ::stat about{};
    if (::fstat(lock.file().number(), &about) == 0 && about.st_nlink == 0) continue;  // removed
    lock_ = std::move(lock);
    return;
  }
}

}  // namespace rolewise::detail
