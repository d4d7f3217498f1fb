// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/output_target.hpp>.

#include <rolewise/support/output_target.hpp>

#include <rolewise/support/error.hpp>

#include <fcntl.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <system_error>

namespace rolewise::detail {

ROLEWISE_INLINE std::string folder_of(const std::string& path)
{
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

ROLEWISE_INLINE int own_descriptor(std::string_view path)
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

ROLEWISE_INLINE output_target target_of(const std::string& path)
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

ROLEWISE_INLINE descriptor open_stream(const output_target& target)
{
  if (target.own < 0) return open_file(target.path, O_WRONLY | O_NOCTTY);
  if (target.own == STDOUT_FILENO) std::fflush(stdout);
  return descriptor{::fcntl(target.own, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
}

}  // namespace rolewise::detail
