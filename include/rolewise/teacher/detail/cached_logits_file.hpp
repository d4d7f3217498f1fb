// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A memory-mapped file of rows, created once, written by one process at a time.

#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/file_lock.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/output_target.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <sys/mman.h>

namespace rolewise::detail {

/// A file that is memory-mapped as a whole. Its disk space is reserved on creation, so that a
/// full disk is an error then and not a SIGBUS later. Truncation by another program while it is
/// mapped is fatal.
class cached_logits_file {
 public:
  /// Opens the file, with an exclusive lock unless `read_only`; creates it if it does not exist,
  /// unless `read_only`.
  /// @param head first bytes of a new file; the rest is zeros
  /// @throws std::runtime_error that names the file and the reason
  cached_logits_file(const std::string& path, std::string_view head, std::size_t size,
                     bool read_only);
  cached_logits_file(const cached_logits_file&) = delete;
  cached_logits_file& operator=(const cached_logits_file&) = delete;
  ~cached_logits_file()
  {
    if (bytes_ != MAP_FAILED) ::munmap(bytes_, size_);
  }

  [[nodiscard]] char* bytes() const noexcept { return static_cast<char*>(bytes_); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool is_read_only() const noexcept { return read_only_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  void open_existing();

  [[nodiscard]] file_lock locked(descriptor file) const
  {
    return {std::move(file), path_, "open it with .read_only = true, or wait"};
  }
  [[nodiscard]] const descriptor& file() const { return read_only_ ? file_ : lock_.file(); }

  /// Creates the file under a temporary name and renames it into place. If another process was
  /// faster, the caller has to open that file.
  void make(std::string_view head, std::size_t size);

  void map(std::size_t least);

  std::string path_;
  bool read_only_;
  descriptor file_;  // if read-only
  file_lock lock_;   // if writable
  void* bytes_ = MAP_FAILED;
  std::size_t size_ = 0;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/teacher/detail/implementation/cached_logits_file.hpp>
#endif
