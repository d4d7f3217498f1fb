// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A temporary file that replaces its target by atomic rename once it is complete.

#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/file_lock.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/output_target.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

namespace rolewise::detail {

/// Syncs a directory, so that a rename in it survives a power failure, where the file system
/// supports that.
ROLEWISE_INLINE void sync_folder(const std::string& folder);

/// Whether a name has the ending of a temporary file: `.rolewise-<process>-<number>.part`.
[[nodiscard]] ROLEWISE_INLINE bool is_name_aside(std::string_view name);

/// Removes temporary files of dead writers from a directory, when this process first writes
/// there. A live writer holds a lock on its file.
ROLEWISE_INLINE void remove_stale_asides(const std::string& folder);

/// A temporary file beside its target, with the target's mode and owner. Deleted unless it is put
/// in place.
class file_aside {
 public:
  /// @param called name of the file in messages
  /// @throws std::runtime_error if it cannot be created
  file_aside(const std::string& called, const output_target& target);
  file_aside(const file_aside&) = delete;
  file_aside& operator=(const file_aside&) = delete;
  ~file_aside()
  {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  [[nodiscard]] const descriptor& file() const noexcept { return file_; }

  /// Renames it to the target, and syncs the directory.
  /// @return 0, or the `errno` of the failure
  [[nodiscard]] int put_in_place();

 private:
  /// Returns a name that no other call in any process uses, truncated to the system's limit.
  [[nodiscard]] std::string new_name() const;

  /// Locks the file. False if another process has locked or removed it as stale in the meantime.
  [[nodiscard]] bool is_mine() const;

  void take_after(const struct ::stat& there) const;

  std::string target_, path_;
  descriptor file_;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/file_aside.hpp>
#endif
