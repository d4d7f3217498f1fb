// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/search_folder.hpp>.

#include <rolewise/train/detail/search_folder.hpp>

#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <optional>

namespace rolewise::detail {

ROLEWISE_INLINE std::string difference_of_settings(const json* found, const json& wanted)
{
  if (found == nullptr) return {};  // an earlier version did not save them
  const auto listed = [](const json& object) {
    std::vector<setting> all;
    for (const auto& [name, value] : object.members()) all.push_back({name, value.text()});
    return all;
  };
  const auto words = differences(listed(*found), listed(wanted));
  return words.empty() ? words : "it has " + words;
}

ROLEWISE_INLINE std::string difference(const json& found, const json& wanted)
{
  for (const auto& [name, want] : wanted.members()) {
    const auto* got = found.find(name);
    std::string a = "nothing", b;
    want.write(b, 0, true);
    if (got != nullptr) (a.clear(), got->write(a, 0, true));
    if (a == b) continue;
    if (name == "run" && got != nullptr) return difference(*got, want);
    if (name == "settings") {
      if (auto words = difference_of_settings(got, want); !words.empty()) return words;
      continue;
    }
    if (name == "space" && got != nullptr) {
      const auto &theirs = got->elements(), &ours = want.elements();
      for (std::size_t i = 0; i < std::max(theirs.size(), ours.size()); ++i) {
        std::string x = "nothing", y = "nothing";
        if (i < theirs.size()) (x.clear(), theirs[i].write(x, 0, true));
        if (i < ours.size()) (y.clear(), ours[i].write(y, 0, true));
        if (x != y) return classic_text("dimension ", i, " of its space is ", x, ", wanted ", y);
      }
    }
    return classic_text("its ", name, " is ", a, ", wanted ", b);
  }
  return {};
}

ROLEWISE_INLINE std::vector<kept_trial> needed_states(const search::search_history& history,
                                                      std::int64_t round, bool reads_history)
{
  std::vector<std::int64_t> last(static_cast<std::size_t>(history.trials), -1), before = last;
  for (const auto& event : history.events) {
    const bool has_failed = event.what == search::search_event::kind::failed;
    if (event.what != search::search_event::kind::scored && !has_failed) continue;
    const auto i = static_cast<std::size_t>(event.trial);
    const auto there = has_failed ? -1 : event.round;
    if (event.round < round) last[i] = there;
    if (event.round < round - 1) before[i] = there;
  }
  std::vector<kept_trial> needed;
  for (std::size_t i = 0; i < last.size(); ++i) {
    const auto trial = static_cast<std::int64_t>(i);
    if (last[i] >= 0) needed.push_back({trial, last[i]});
    if (reads_history && before[i] >= 0 && before[i] != last[i])
      needed.push_back({trial, before[i]});
  }
  return needed;
}

ROLEWISE_INLINE event_file::event_file(std::string path) : path_{std::move(path)}
{
  auto file = open_file(path_, O_RDWR | O_CREAT | O_APPEND);
  if (!file.is_open()) throw_runtime_error(path_, "cannot be written: ", reason_of(errno));
  lock_ =
      file_lock{std::move(file), path_, "wait until that search is over or choose another folder"};
}

ROLEWISE_INLINE void event_file::cut(std::size_t length) const
{
  if (::ftruncate(lock_.file().number(), static_cast<::off_t>(length)) != 0)
    throw_runtime_error(path_, "cannot be cut: ", reason_of(errno));
}

ROLEWISE_INLINE void event_file::add(std::string_view line) const
{
  if (const int error = write_all(lock_.file(), line))
    throw_runtime_error(path_, "cannot be written: ", reason_of(error));
}

ROLEWISE_INLINE void event_file::sync() const
{
  if (::fsync(lock_.file().number()) != 0)
    throw_runtime_error(path_, "cannot be synced: ", reason_of(errno));
}

ROLEWISE_INLINE std::vector<search::search_event> search_folder::open(const json& head)
{
  events_ = std::make_unique<event_file>(history_path());
  auto found = search::detail::history_from(events_->text(), history_path());
  events_->cut(found ? found->length : 0);
  if (!found) {
    events_->add(search::detail::line_of(head));
    events_->sync();
    sync_folder(folder_);
    return {};
  }
  require_same(found->head, head);
  return std::move(found->history.events);
}

ROLEWISE_INLINE void search_folder::require_same(const json& found, const json& wanted) const
{
  if (const auto words = difference(found, wanted); !words.empty())
    throw_invalid_argument("run_search", history_path(), " is of another search: ", words);
}

ROLEWISE_INLINE void search_folder::settle(const std::vector<kept_trial>& needed,
                                           std::int64_t round) const
{
  if (!events_) return;
  events_->sync();
  for (const auto& name : states_there()) {
    long long trial = 0, of_round = 0;
    if (std::sscanf(name.c_str(), "trial-%lld.round-%lld.", &trial, &of_round) != 2) continue;
    const bool is_needed =
        of_round >= round ||
        std::any_of(needed.begin(), needed.end(), [&](const auto& k) { return k.file() == name; });
    if (!is_needed) ::unlink((folder_ + "/" + name).c_str());
  }
}

ROLEWISE_INLINE std::vector<std::string> search_folder::states_there() const
{
  std::vector<std::string> names;
  struct closes {
    void operator()(DIR* d) const { ::closedir(d); }
  };
  const std::unique_ptr<DIR, closes> folder{::opendir(folder_.c_str())};
  if (!folder) throw_runtime_error(folder_, "cannot be read: ", reason_of(errno));
  while (const auto* entry = ::readdir(folder.get())) {
    const std::string_view name{entry->d_name};
    if (name.starts_with("trial-") && (name.ends_with(".checkpoint") || name.ends_with(".part")))
      names.emplace_back(name);
  }
  return names;
}

}  // namespace rolewise::detail
