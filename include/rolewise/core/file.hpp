// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Files written so that a kill or a full disk loses nothing that was there, and read whole.

#include <rolewise/core/error.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace rolewise {

namespace detail {

/// A file descriptor that closes itself.
class descriptor {
 public:
  explicit descriptor(int number) noexcept : number_{number} {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor()
  {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const noexcept { return number_; }
  [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }

 private:
  int number_;
};

[[nodiscard]] inline std::string reason_of(int error) { return std::strerror(error); }

[[nodiscard]] inline std::string folder_of(const std::string& path)
{
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// Makes a rename survive a power cut, where the file system offers that.
inline void sync_folder(const std::string& folder)
{
  const descriptor handle{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (handle.is_open()) ::fsync(handle.number());
}

}  // namespace detail

/// Writes `bytes` to a new file beside `path`, syncs it and renames it to `path`. At any instant
/// `path` is what it was or what it shall be, never something between.
/// @throws std::runtime_error that names the file and the system's reason; `path` is untouched then
inline void write_file_atomically(const std::string& path, std::string_view bytes)
{
  const auto aside = path + ".part";
  const auto give_up = [&](const char* what, int error) {
    ::unlink(aside.c_str());
    fail(path, what, ": ", detail::reason_of(error));
  };
  {
    const detail::descriptor out{
        ::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (!out.is_open()) fail(path, "cannot be written: ", detail::reason_of(errno));
    std::size_t done = 0;
    while (done < bytes.size()) {
      const auto count = ::write(out.number(), bytes.data() + done, bytes.size() - done);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) give_up("cannot be written", count == 0 ? ENOSPC : errno);
      done += static_cast<std::size_t>(count);
    }
    if (::fsync(out.number()) != 0) give_up("cannot be synced", errno);
  }
  if (std::rename(aside.c_str(), path.c_str()) != 0) give_up("cannot be renamed into place", errno);
  detail::sync_folder(detail::folder_of(path));
}

/// A whole file. One that has no end, such as a device, is given up at the limit.
/// @param limit bytes
/// @throws std::runtime_error that names the file and the system's reason, or the limit
[[nodiscard]] inline std::string text_of_file(const std::string& path,
                                              std::size_t limit = std::size_t{1} << 26)
{
  const detail::descriptor in{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
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
