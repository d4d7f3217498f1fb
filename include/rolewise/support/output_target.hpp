// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Resolution of an output path: a file to replace, or a device, pipe or descriptor to write
/// through.

#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <sys/stat.h>

namespace rolewise::detail {

[[nodiscard]] ROLEWISE_INLINE std::string folder_of(const std::string& path);

/// The target of an output path, with symbolic links followed.
struct output_target {
  std::string path;                    ///< the end of a chain of links; it may not exist
  std::optional<struct ::stat> there;  ///< status of the existing file
  int own = -1;                        ///< the descriptor of this process that it names, or -1

  /// Whether it is written through: a device, a pipe, or an open descriptor of this process
  /// (`/dev/stdout`). Anything else is a regular file, which can be replaced, or does not exist
  /// yet.
  [[nodiscard]] bool is_stream() const { return own >= 0 || (there && !S_ISREG(there->st_mode)); }
};

/// The number in `/dev/fd/3` or `/proc/self/fd/3`, or -1.
[[nodiscard]] ROLEWISE_INLINE int own_descriptor(std::string_view path);

/// @throws std::runtime_error for a cycle of symbolic links, or one that cannot be read
[[nodiscard]] ROLEWISE_INLINE output_target target_of(const std::string& path);

/// Opens a stream target for writing, after flushing what this program has printed to it so far.
[[nodiscard]] ROLEWISE_INLINE descriptor open_stream(const output_target& target);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/output_target.hpp>
#endif
