// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Files written so that a kill or a full disk loses nothing that was there, and read whole.

#include <rolewise/core/descriptor.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/file_aside.hpp>
#include <rolewise/core/output_target.hpp>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace rolewise {

/// Writes `bytes` to a new file beside `path`, of a name of its own, syncs it and renames it to
/// `path`. At any instant `path` is what it was or what it shall be, never something between, and
/// of several writers at once the last one wins whole. Mode and, where that is permitted, owner of
/// what was there are kept; other hard links keep what was there.
///
/// A symbolic link is followed: what it leads to is replaced. What is no regular file (a device, a
/// pipe, `/dev/stdout`) is written through.
/// @throws std::runtime_error that names the file and the system's reason; `path` is untouched
///         then, unless it is written through
inline void write_file_atomically(const std::string& path, std::string_view bytes)
{
  const auto target = detail::target_of(path);
  const auto require = [&](int error, const char* what) {
    if (error != 0) fail(path, what, ": ", detail::reason_of(error));
  };
  if (target.is_stream()) {
    const auto out = detail::open_stream(target);
    require(out.is_open() ? detail::write_all(out, bytes) : errno, "cannot be written");
    return;
  }
  detail::file_aside aside{path, target};
  require(detail::write_all(aside.file(), bytes), "cannot be written");
  require(::fsync(aside.file().number()) == 0 ? 0 : errno, "cannot be synced");
  require(aside.put_in_place(), "cannot be renamed into place");
}

/// A whole file. One that has no end, such as a device, is given up at the limit.
/// @param limit bytes
/// @throws std::runtime_error that names the file and the system's reason, or the limit
[[nodiscard]] inline std::string text_of_file(const std::string& path,
                                              std::size_t limit = std::size_t{1} << 26)
{
  const auto in = detail::open_file(path, O_RDONLY);
  if (!in.is_open()) fail(path, "cannot be read: ", detail::reason_of(errno));
  std::string text;
  std::vector<char> block(std::size_t{1} << 16);
  while (true) {
    const auto count = ::read(in.number(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path, "cannot be read: ", detail::reason_of(errno));
    if (count == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(count));
    if (text.size() > limit) fail(path, "has more than ", limit, " bytes, want at most those");
  }
}

}  // namespace rolewise
