// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/search_history_file.hpp>.

#include <rolewise/search/search_history_file.hpp>

#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>

namespace rolewise::search::detail {

ROLEWISE_INLINE json head_of(const search_history& history, json::object run)
{
  json::object head{
      {"search_history", history_version}, {"strategy", history.strategy},
      {"space", json_of(history.space)},   {"trials", history.trials},
      {"epochs", history.epochs},          {"evaluation_interval", history.evaluation_interval},
      {"seed", history.seed.value}};
  if (!run.empty()) head.emplace_back("run", std::move(run));
  return head;
}

ROLEWISE_INLINE json json_of(const search_event& event)
{
  json::object all{{"event", std::string{event_names[static_cast<std::size_t>(event.what)]}},
                   {"round", event.round},
                   {"trial", event.trial},
                   {"epoch", event.epoch}};
  if (event.from) all.emplace_back("from", *event.from);
  if (event.from_epoch) all.emplace_back("from_epoch", *event.from_epoch);
  if (event.at) all.emplace_back("at", json_of(*event.at));
  if (event.score) all.emplace_back("score", *event.score);
  if (event.what == search_event::kind::failed) all.emplace_back("reason", event.reason);
  all.emplace_back("seconds", event.seconds);
  return all;
}

ROLEWISE_INLINE search_event event_of(const json& all)
{
  search_event event;
  const auto& name = all.at("event").text();
  std::size_t kind = 0;
  while (kind < event_names.size() && event_names[kind] != name) ++kind;
  if (kind == event_names.size()) throw json_error{0, "has the unknown event '" + name + "'"};
  event.what = static_cast<search_event::kind>(kind);
  event.round = all.at("round").number<std::int64_t>();
  event.trial = all.at("trial").number<std::int64_t>();
  event.epoch = all.at("epoch").number<std::int64_t>();
  if (const auto* x = all.find("from")) event.from = x->number<std::int64_t>();
  if (const auto* x = all.find("from_epoch")) event.from_epoch = x->number<std::int64_t>();
  if (const auto* x = all.find("at")) event.at = configuration_from(*x);
  if (const auto* x = all.find("score")) event.score = x->number<double>();
  if (event.what == search_event::kind::failed) event.reason = all.at("reason").text();
  event.seconds = all.at("seconds").number<double>();
  return event;
}

ROLEWISE_INLINE std::optional<read_history> history_from(std::string_view text,
                                                         std::string_view path)
{
  read_history found;
  bool has_head = false;
  while (true) {
    const auto end = text.find('\n', found.length);
    if (end == text.npos) break;
    try {
      auto line = json_reader{text.substr(found.length, end - found.length)}.read();
      if (has_head) {
        found.history.events.push_back(event_of(line));
      } else {
        if (const auto version = line.at("search_history").number<std::int64_t>();
            version != history_version)
          throw_runtime_error(path, "has the format version ", version, ", this library reads ",
                              history_version);
        auto& h = found.history;
        h.strategy = line.at("strategy").text();
        h.space = space_from(line.at("space"));
        h.trials = line.at("trials").number<std::int64_t>();
        h.epochs = line.at("epochs").number<std::int64_t>();
        h.evaluation_interval = line.at("evaluation_interval").number<std::int64_t>();
        h.seed.value = line.at("seed").number<std::uint64_t>();
        found.head = std::move(line);
        has_head = true;
      }
    } catch (const json_error& wrong) {
      throw_runtime_error(path, "is damaged at byte ", found.length + wrong.byte, ": ", wrong.what);
    }
    found.length = end + 1;
  }
  if (!has_head) return std::nullopt;
  return found;
}

}  // namespace rolewise::search::detail

namespace rolewise::search {

ROLEWISE_INLINE search_history read_search_history(const std::string& path)
{
  auto found = detail::history_from(support::text_of_file(path), path);
  if (!found) throw_runtime_error(path, "is no history of a search: it has no whole first line");
  return std::move(found->history);
}

ROLEWISE_INLINE void write_search_history(const std::string& path, const search_history& history)
{
  auto text = detail::line_of(detail::head_of(history));
  for (const auto& event : history.events) text += detail::line_of(detail::json_of(event));
  support::write_file_atomically(path, text);
}

}  // namespace rolewise::search
