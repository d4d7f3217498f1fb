// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Resolution of an output path: a file to replace, or a device, pipe or descriptor to write
/// through.

#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/error.hpp>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rolewise::detail {

[[nodiscard]] inline std::string folder_of(const std::string& path)
{
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

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
[[nodiscard]] inline int own_descriptor(std::string_view path)
{
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    int number = -1;
    const auto* end = path.data() + path.size();
    const auto [stop, error] = std::from_chars(path.data() + folder.size(), end, number);
    if (error == std::errc{} && stop == end && number >= 0) return number;
  }
  return -1;
}

/// @throws std::runtime_error for a cycle of symbolic links, or one that cannot be read
[[nodiscard]] inline output_target target_of(const std::string& path)
{
  constexpr int most_links = 40;  // as many as Linux follows
  output_target target{.path = path, .there = {}};
  for (int links = 0; links <= most_links; ++links) {
    target.own = own_descriptor(target.path);
    if (target.own >= 0) return target;
    struct ::stat about{};
    if (::lstat(target.path.c_str(), &about) != 0) return target;  // opening it reports why
    if (!S_ISLNK(about.st_mode)) {
      target.there = about;
      return target;
    }
    std::array<char, 4096> next{};
    const auto length = ::readlink(target.path.c_str(), next.data(), next.size());
    if (length < 0) throw_runtime_error(path, "cannot be written: ", reason_of(errno));
    const std::string to{next.data(), static_cast<std::size_t>(length)};
    target.path = to.starts_with('/') ? to : folder_of(target.path) + "/" + to;
  }
  throw_runtime_error(path, "cannot be written: ", reason_of(ELOOP));
}

/// Opens a stream target for writing, after flushing what this program has printed to it so far.
[[nodiscard]] inline descriptor open_stream(const output_target& target)
{
  if (target.own < 0) return open_file(target.path, O_WRONLY | O_NOCTTY);
  if (target.own == STDOUT_FILENO) std::fflush(stdout);
  return descriptor{::fcntl(target.own, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
}

}  // namespace rolewise::detail
