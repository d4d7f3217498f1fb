// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/teacher/detail/cached_logits_file.hpp>.

#include <rolewise/teacher/detail/cached_logits_file.hpp>

#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>

namespace rolewise::detail {

ROLEWISE_INLINE cached_logits_file::cached_logits_file(const std::string& path,
                                                       std::string_view head, std::size_t size,
                                                       bool read_only)
    : path_{target_of(path).path}, read_only_{read_only}
{
  open_existing();
  while (!file().is_open()) {
    if (read_only_) throw_runtime_error(path_, "cannot be read: ", reason_of(ENOENT));
    make(head, size);
    if (!file().is_open()) open_existing();
  }
  map(head.size());
}

ROLEWISE_INLINE void cached_logits_file::open_existing()
{
  // O_NONBLOCK: opening a FIFO without a writer would block forever
  auto file = open_file(path_, (read_only_ ? O_RDONLY : O_RDWR) | O_NONBLOCK);
  if (!file.is_open()) {
    if (errno == ENOENT) return;
    throw_runtime_error(path_, "cannot be opened: ", reason_of(errno));
  }
  if (read_only_)
    file_ = std::move(file);
  else
    lock_ = locked(std::move(file));
}

ROLEWISE_INLINE void cached_logits_file::make(std::string_view head, std::size_t size)
{
  const auto aside = path_ + ".part";
  auto opened = open_file(aside, O_RDWR | O_CREAT);
  if (!opened.is_open()) throw_runtime_error(path_, "cannot be written: ", reason_of(errno));
  auto lock = locked(std::move(opened));
  const int file = lock.file().number();
  // A previous holder of the lock may have renamed the file already.
  if (::access(path_.c_str(), F_OK) == 0) return;
  const auto give_up = [&](const std::string& why) {
    ::unlink(aside.c_str());
    throw_runtime_error(path_, why);
  };
  struct statvfs disk{};
  if (::fstatvfs(file, &disk) == 0 &&
      size / disk.f_frsize >= static_cast<std::size_t>(disk.f_bavail))
    give_up(classic_text("wants ", size, " bytes of disk, of which ", disk.f_bavail * disk.f_frsize,
                         " are free"));
  if (::ftruncate(file, 0) != 0) give_up("cannot be written: " + reason_of(errno));
  if (const int error = ::posix_fallocate(file, 0, static_cast<off_t>(size)))
    give_up(classic_text("cannot reserve ", size, " bytes: ", reason_of(error)));
  if (::pwrite(file, head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()))
    give_up("cannot be written: " + reason_of(errno));
  if (::fsync(file) != 0) give_up("cannot be synced: " + reason_of(errno));
  if (std::rename(aside.c_str(), path_.c_str()) != 0)
    give_up("cannot be renamed into place: " + reason_of(errno));
  sync_folder(folder_of(path_));
  lock_ = std::move(lock);
}

ROLEWISE_INLINE void cached_logits_file::map(std::size_t least)
{
  struct stat about{};
  if (::fstat(file().number(), &about) != 0)
    throw_runtime_error(path_, "cannot be read: ", reason_of(errno));
  size_ = static_cast<std::size_t>(about.st_size);
  if (!S_ISREG(about.st_mode) || size_ < least)
    throw_runtime_error(path_, "is no teacher cache: it has ", size_, " bytes, the head alone has ",
                        least);
  bytes_ = ::mmap(nullptr, size_, read_only_ ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED,
                  file().number(), 0);
  if (bytes_ == MAP_FAILED) throw_runtime_error(path_, "cannot be mapped: ", reason_of(errno));
}

}  // namespace rolewise::detail
