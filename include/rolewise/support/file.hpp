// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Atomic file writes, in which a kill or a full disk never loses the old content, and whole-file
/// reads.

#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/file_aside.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>
#include <rolewise/support/output_target.hpp>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

namespace rolewise::support {

namespace detail {

/// Replaces a file as `write_file_atomically` does, with what `write(file)` writes to the
/// descriptor `file`, from front to back. `write` returns 0 or an `errno`.
template<typename Write>
void replace_file(const std::string& path, Write&& write)
{
  const auto target = target_of(path);
  const auto require = [&](int error, const char* what) {
    if (error != 0) throw_runtime_error(path, what, ": ", reason_of(error));
  };
  if (target.is_stream()) {
    const auto out = open_stream(target);
    require(out.is_open() ? write(out) : errno, "cannot be written");
    return;
  }
  file_aside aside{path, target};
  require(write(aside.file()), "cannot be written");
  require(::fsync(aside.file().number()) == 0 ? 0 : errno, "cannot be synced");
  require(aside.put_in_place(), "cannot be renamed into place");
}

}  // namespace detail

/// Writes a file by atomic rename: `bytes` go to a new file beside `path`, with a unique name,
/// which is synced and renamed to `path`. At any time `path` has its old or its new content, and
/// of several concurrent writers the last one wins as a whole. Mode and, where permitted, owner
/// of the old file are kept; its other hard links keep the old content.
///
/// A symbolic link is followed: its target is replaced. A path that is not a regular file (a
/// device, a pipe, `/dev/stdout`) is written through.
/// @throws std::runtime_error that names the file and the system's reason; `path` is untouched
///         then, unless it is written through
ROLEWISE_INLINE void write_file_atomically(const std::string& path, std::string_view bytes);

/// Returns the content of a file. Reading an endless one, such as a device, stops with an error
/// at the limit.
/// @param limit in bytes
/// @throws std::runtime_error that names the file and the system's reason, or the limit
[[nodiscard]] ROLEWISE_INLINE std::string text_of_file(const std::string& path,
                                                       std::size_t limit = std::size_t{1} << 26);

}  // namespace rolewise::support

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/file.hpp>
#endif
