// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/file.hpp>.

#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>

#include <fcntl.h>

namespace rolewise::support {

ROLEWISE_INLINE void write_file_atomically(const std::string& path, std::string_view bytes)
{
  detail::replace_file(
      path, [&](const detail::descriptor& file) { return detail::write_all(file, bytes); });
}

ROLEWISE_INLINE std::string text_of_file(const std::string& path, std::size_t limit)
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
