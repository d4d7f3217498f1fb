// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The bytes of a regular file as memory: mapped where the system can, else read.

#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace rolewise::detail {

/// Bytes that a number of tensors can share. Writing to them does not change the file.
struct owned_bytes {
  std::shared_ptr<void> owner;
  char* data = nullptr;
  std::size_t size = 0;

  [[nodiscard]] std::string_view view() const { return {data, size}; }
};

[[nodiscard]] ROLEWISE_INLINE owned_bytes owned(std::string bytes);

/// @throws std::runtime_error that names the file and the system's reason
[[nodiscard]] ROLEWISE_INLINE std::string read_bytes(const descriptor& file, std::size_t size,
                                                     const std::string& path);

/// Maps a file privately (changes stay in memory), or reads it where the file system has no
/// mappings. While it is mapped the file must not be truncated, which ends the process by SIGBUS,
/// as an input error of a network file system does; on a local one, replacing it by rename is safe.
/// @throws std::runtime_error that names the file and the system's reason
[[nodiscard]] ROLEWISE_INLINE owned_bytes mapped_file(const std::string& path);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/mapped_file.hpp>
#endif
