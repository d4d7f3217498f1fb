// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The bytes of a regular file as memory: mapped where the system can, else read.

#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/error.hpp>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rolewise::detail {

/// Bytes that a number of tensors can share. Writing to them does not change the file.
struct owned_bytes {
  std::shared_ptr<void> owner;
  char* data = nullptr;
  std::size_t size = 0;

  [[nodiscard]] std::string_view view() const { return {data, size}; }
};

[[nodiscard]] inline owned_bytes owned(std::string bytes)
{
  auto owner = std::make_shared<std::string>(std::move(bytes));
  return {owner, owner->data(), owner->size()};
}

/// @throws std::runtime_error that names the file and the system's reason
[[nodiscard]] inline std::string read_bytes(const descriptor& file, std::size_t size,
                                            const std::string& path)
{
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const auto count = ::read(file.number(), bytes.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_runtime_error(path, "cannot be read: ", reason_of(errno));
    if (count == 0) break;  // the file was truncated meanwhile
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

/// Maps a file privately (changes stay in memory), or reads it where the file system has no
/// mappings. While it is mapped the file must not be truncated, which ends the process by SIGBUS,
/// as an input error of a network file system does; on a local one, replacing it by rename is safe.
/// @throws std::runtime_error that names the file and the system's reason
[[nodiscard]] inline owned_bytes mapped_file(const std::string& path)
{
  // O_NONBLOCK: opening a FIFO without a writer would block forever
  const auto file = open_file(path, O_RDONLY | O_NONBLOCK);
  struct ::stat about{};
  if (!file.is_open() || ::fstat(file.number(), &about) != 0)
    throw_runtime_error(path, "cannot be read: ", reason_of(errno));
  if (!S_ISREG(about.st_mode)) throw_runtime_error(path, "cannot be read: it is no regular file");
  const auto size = static_cast<std::size_t>(about.st_size);
  if (size == 0) return {};
  auto* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE,
                          file.number(), ::off_t{0});
  if (at == MAP_FAILED) {
    if (errno == ENOMEM) throw_runtime_error(path, "cannot be mapped: ", reason_of(errno));
    return owned(read_bytes(file, size, path));
  }
  return {std::shared_ptr<void>{at, [size](void* begin) { ::munmap(begin, size); }},
          static_cast<char*>(at), size};
}

}  // namespace rolewise::detail
