// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A file of rows in memory, made once, written by one process at a time.

#include <rolewise/core/error.hpp>
#include <rolewise/core/file.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace rolewise::detail {

/// A file that is mapped whole. Its disk space is reserved when it is made, so that a full disk is
/// an error then and no signal later. Another program that shortens it while it is mapped is not
/// survived.
class answer_file {
 public:
  /// Opens the file, to write only if nobody else does; makes it if it is not there.
  /// @param head what the file begins with if it is made; the rest is zeros
  /// @throws std::runtime_error that names the file and the reason
  answer_file(std::string path, std::string_view head, std::size_t size, bool read_only)
      : path_{std::move(path)}, read_only_{read_only}
  {
    open_existing();
    while (file_ == nullptr) {
      if (read_only_) fail(path_, "cannot be read: ", reason_of(ENOENT));
      make(head, size);
      if (file_ == nullptr) open_existing();
    }
    map(head.size());
  }
  answer_file(const answer_file&) = delete;
  answer_file& operator=(const answer_file&) = delete;
  ~answer_file()
  {
    if (bytes_ != MAP_FAILED) ::munmap(bytes_, size_);
  }

  [[nodiscard]] char* bytes() const noexcept { return static_cast<char*>(bytes_); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool is_read_only() const noexcept { return read_only_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  void open_existing()
  {
    auto file = std::make_unique<descriptor>(
        ::open(path_.c_str(), (read_only_ ? O_RDONLY : O_RDWR) | O_CLOEXEC));
    if (!file->is_open()) {
      if (errno == ENOENT) return;
      fail(path_, "cannot be opened: ", reason_of(errno));
    }
    lock(*file);
    file_ = std::move(file);
  }

  void lock(const descriptor& file) const
  {
    if (read_only_ || ::flock(file.number(), LOCK_EX | LOCK_NB) == 0) return;
    if (errno == EWOULDBLOCK)
      fail(path_,
           "is being written by another process, or by another teacher of this one; open it with "
           ".read_only = true, or wait");
    fail(path_, "cannot be locked: ", reason_of(errno));
  }

  /// Makes the file aside and renames it into place; leaves it to the caller to open if somebody
  /// else was faster.
  void make(std::string_view head, std::size_t size)
  {
    const auto aside = path_ + ".part";
    auto file =
        std::make_unique<descriptor>(::open(aside.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!file->is_open()) fail(path_, "cannot be written: ", reason_of(errno));
    lock(*file);
    // Whoever held the lock before may have renamed the file by now.
    if (::access(path_.c_str(), F_OK) == 0) return;
    const auto give_up = [&](const std::string& why) {
      ::unlink(aside.c_str());
      fail(path_, why);
    };
    struct statvfs disk{};
    if (::fstatvfs(file->number(), &disk) == 0 &&
        size / disk.f_frsize >= static_cast<std::size_t>(disk.f_bavail))
      give_up(classic_text("wants ", size, " bytes of disk, of which ",
                           disk.f_bavail * disk.f_frsize, " are free"));
    if (::ftruncate(file->number(), 0) != 0) give_up("cannot be written: " + reason_of(errno));
    if (const int error = ::posix_fallocate(file->number(), 0, static_cast<off_t>(size)))
      give_up(classic_text("cannot reserve ", size, " bytes: ", reason_of(error)));
    if (::pwrite(file->number(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()))
      give_up("cannot be written: " + reason_of(errno));
    if (::fsync(file->number()) != 0) give_up("cannot be synced: " + reason_of(errno));
    if (std::rename(aside.c_str(), path_.c_str()) != 0)
      give_up("cannot be renamed into place: " + reason_of(errno));
    sync_folder(folder_of(path_));
    file_ = std::move(file);
  }

  void map(std::size_t least)
  {
    struct stat about{};
    if (::fstat(file_->number(), &about) != 0) fail(path_, "cannot be read: ", reason_of(errno));
    size_ = static_cast<std::size_t>(about.st_size);
    if (!S_ISREG(about.st_mode) || size_ < least)
      fail(path_, "is no teacher cache: it has ", size_, " bytes, the head alone has ", least);
    bytes_ = ::mmap(nullptr, size_, read_only_ ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED,
                    file_->number(), 0);
    if (bytes_ == MAP_FAILED) fail(path_, "cannot be mapped: ", reason_of(errno));
  }

  std::string path_;
  bool read_only_;
  std::unique_ptr<descriptor> file_;  // holds the lock
  void* bytes_ = MAP_FAILED;
  std::size_t size_ = 0;
};

}  // namespace rolewise::detail
