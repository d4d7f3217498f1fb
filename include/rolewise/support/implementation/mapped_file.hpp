// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/mapped_file.hpp>.

#include <rolewise/support/mapped_file.hpp>

#include <rolewise/support/error.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>

namespace rolewise::detail {

ROLEWISE_INLINE owned_bytes owned(std::string bytes)
{
  auto owner = std::make_shared<std::string>(std::move(bytes));
  return {owner, owner->data(), owner->size()};
}

ROLEWISE_INLINE std::string read_bytes(const descriptor& file, std::size_t size,
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

ROLEWISE_INLINE owned_bytes mapped_file(const std::string& path)
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
