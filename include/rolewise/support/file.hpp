// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Atomic file writes, in which a kill or a full disk never loses the old content, and whole-file
/// reads.

#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/file_aside.hpp>
#include <rolewise/support/output_target.hpp>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
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
inline void write_file_atomically(const std::string& path, std::string_view bytes)
{
  detail::replace_file(
      path, [&](const detail::descriptor& file) { return detail::write_all(file, bytes); });
}

/// Returns the content of a file. Reading an endless one, such as a device, stops with an error
/// at the limit.
/// @param limit in bytes
/// @throws std::runtime_error that names the file and the system's reason, or the limit
[[nodiscard]] inline std::string text_of_file(const std::string& path,
                                              std::size_t limit = std::size_t{1} << 26)
{
  const auto in = detail::open_file(path, O_RDONLY);
  if (!in.is_open()) throw_runtime_error(path, "cannot be read: ", detail::reason_of(errno));
  std::string text;
  std::vector<char> block(std::size_t{1} << 16);
  while (true) {
    const auto count = ::read(in.number(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_runtime_error(path, "cannot be read: ", detail::reason_of(errno));
    if (count == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(count));
    if (text.size() > limit)
      throw_runtime_error(path, "has more than ", limit, " bytes, want at most those");
  }
}

}  // namespace rolewise::support
