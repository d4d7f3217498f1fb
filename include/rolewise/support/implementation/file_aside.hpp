// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/file_aside.hpp>.

#include <rolewise/support/file_aside.hpp>

#include <rolewise/support/error.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <mutex>
#include <set>
#include <tuple>

namespace rolewise::detail {

ROLEWISE_INLINE void sync_folder(const std::string& folder)
{
  const auto handle = open_file(folder, O_RDONLY | O_DIRECTORY);
  if (handle.is_open()) ::fsync(handle.number());
}

ROLEWISE_INLINE bool is_name_aside(std::string_view name)
{
  constexpr std::string_view mark = ".rolewise-", end = ".part";
  const auto at = name.rfind(mark);
  if (at == std::string_view::npos || !name.ends_with(end)) return false;
  name = name.substr(at + mark.size(), name.size() - end.size() - at - mark.size());
  return std::count(name.begin(), name.end(), '-') == 1 &&
         name.find_first_not_of("-0123456789") == std::string_view::npos;
}

ROLEWISE_INLINE void remove_stale_asides(const std::string& folder)
{
  {
    static std::mutex one_at_a_time;
    static std::set<std::string> seen;
    const std::lock_guard guard{one_at_a_time};
    if (!seen.insert(folder).second) return;
  }
  struct closes {
    void operator()(DIR* d) const { ::closedir(d); }
  };
  const std::unique_ptr<DIR, closes> listing{::opendir(folder.c_str())};
  if (!listing) return;
  while (const auto* entry = ::readdir(listing.get())) {
    if (!is_name_aside(entry->d_name)) continue;
    const auto path = folder + "/" + entry->d_name;
    const auto file = open_file(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
    if (file.is_open() && file_lock::take(file) == file_lock::result::taken) ::unlink(path.c_str());
  }
}

ROLEWISE_INLINE file_aside::file_aside(const std::string& called, const output_target& target)
    : target_{target.path}
{
  remove_stale_asides(folder_of(target_));
  do {
    path_ = new_name();
    // Not readable by other users before it has the mode of the old file.
    file_ = open_file(path_, O_RDWR | O_CREAT | O_EXCL, target.there ? 0600U : 0644U);
    if (!file_.is_open() && errno != EEXIST)
      throw_runtime_error(called, "cannot be written: ", reason_of(errno));
  } while (!file_.is_open() || !is_mine());
  if (target.there) take_after(*target.there);
}

ROLEWISE_INLINE int file_aside::put_in_place()
{
  if (std::rename(path_.c_str(), target_.c_str()) != 0) return errno;
  path_.clear();
  sync_folder(folder_of(target_));
  return 0;
}

ROLEWISE_INLINE std::string file_aside::new_name() const
{
  static std::atomic<std::uint64_t> count{0};
  constexpr std::size_t longest = 255;
  const auto ending =
      ".rolewise-" + std::to_string(::getpid()) + "-" + std::to_string(count++) + ".part";
  const auto slash = target_.rfind('/');
  const auto begin = slash == std::string::npos ? 0 : slash + 1;
  const auto kept = std::min(target_.size() - begin, longest - ending.size());
  return target_.substr(0, begin + kept) + ending;
}

ROLEWISE_INLINE bool file_aside::is_mine() const
{
  struct ::stat about{};
  return file_lock::take(file_) != file_lock::result::held_elsewhere &&
         (::fstat(file_.number(), &about) != 0 || about.st_nlink > 0);
}

ROLEWISE_INLINE void file_aside::take_after(const struct ::stat& there) const
{
  auto mode = there.st_mode & 07777U;
  struct ::stat mine{};
  if (::fstat(file_.number(), &mine) == 0 &&
      (mine.st_uid != there.st_uid || mine.st_gid != there.st_gid) &&
      ::fchown(file_.number(), there.st_uid, there.st_gid) != 0) {
    mode &= 0777U;  // no set-ID bits under another owner
    std::ignore = ::fchown(file_.number(), static_cast<::uid_t>(-1), there.st_gid);
  }
  std::ignore = ::fchmod(file_.number(), mode);
}

}  // namespace rolewise::detail
