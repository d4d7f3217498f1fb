// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/distributed/process_group.hpp>.

#include <rolewise/train/distributed/process_group.hpp>

namespace rolewise {

ROLEWISE_INLINE process_group_options process_group_from_environment()
{
  const auto text = [](const char* name) -> std::string_view {
    const char* value = std::getenv(name);
    if (value == nullptr)
      throw_invalid_argument("process_group", "want the environment variable ", name);
    return value;
  };
  const auto number = [&](const char* name) {
    const auto words = text(name);
    std::int64_t x = 0;
    const auto [stop, error] = std::from_chars(words.data(), words.data() + words.size(), x);
    if (error != std::errc{} || stop != words.data() + words.size())
      throw_invalid_argument("process_group", name, " wants a number, got '", words, "'");
    return x;
  };
  return {.rank = number("RANK"),
          .size = number("WORLD_SIZE"),
          .host = std::string{text("MASTER_ADDR")},
          .port = number("MASTER_PORT")};
}

}  // namespace rolewise

namespace rolewise::detail {

ROLEWISE_INLINE std::string encoded(const std::vector<trial_outcome>& outcomes)
{
  std::string lines;
  for (const auto& [trial, score, reason, seconds] : outcomes) {
    json::object all{{"trial", trial}, {"reason", reason}, {"seconds", seconds}};
    if (score) all.emplace_back("score", *score);
    lines += search::detail::line_of(all);
  }
  return lines;
}

ROLEWISE_INLINE std::vector<trial_outcome> decoded_outcomes(std::string_view lines)
{
  std::vector<trial_outcome> outcomes;
  for (std::size_t end = 0; (end = lines.find('\n')) != lines.npos; lines.remove_prefix(end + 1)) {
    const auto all = json_reader{lines.substr(0, end)}.read();
    auto& outcome = outcomes.emplace_back();
    outcome.trial = all.at("trial").number<std::int64_t>();
    if (const auto* score = all.find("score")) outcome.score = score->number<double>();
    outcome.reason = all.at("reason").text();
    outcome.seconds = all.at("seconds").number<double>();
  }
  return outcomes;
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE process_group::process_group(const process_group_options& options)
    : options_{(require_sound(options), options)}, store_{connected()}, pulse_{connected_again()}
{
  try {
    set(alive(options_.rank), "1");
    beat_ = std::thread{[this] { beat(); }};
    const auto begin = clock::now();
    for (std::int64_t other = 0; other < options_.size; ++other) await(other, begin);
  } catch (...) {
    stop_beating();
    throw;
  }
}

ROLEWISE_INLINE process_group::~process_group()
{
  try {
    if (!is_lost_) set(detail::classic_text("left/", options_.rank), "1");
    if (options_.rank == 0)
      for (std::int64_t other = 1; other < options_.size; ++other)
        (void)get(detail::classic_text("left/", other), other);
  } catch (...) {  // a lost process has left, too
  }
  stop_beating();
}

ROLEWISE_INLINE std::string process_group::shared(std::string text)
{
  ++searches_;
  const auto name = key("begin");
  if (options_.rank == 0) send_bytes(name, text);
  return options_.rank == 0 ? std::move(text) : receive_bytes(name, 0, false);
}

ROLEWISE_INLINE snapshot process_group::receive(std::int64_t round,
                                                const search::exploit_trial& copied)
{
  const auto name = name_of(round, copied);
  auto bytes = receive_bytes(name, owner(copied.from), true);
  return detail::state_reader{detail::owned(std::move(bytes)), name}.read();
}

ROLEWISE_INLINE std::vector<detail::trial_outcome> process_group::exchanged(
    std::int64_t round, std::vector<detail::trial_outcome> own)
{
  const auto name = [&](std::int64_t rank) {
    return key(detail::classic_text("scores/", round, "/", rank));
  };
  send_bytes(name(options_.rank), detail::encoded(own));
  auto all = std::move(own);
  for (std::int64_t other = 0; other < options_.size; ++other)
    if (other != options_.rank)
      for (auto& outcome : detail::decoded_outcomes(receive_bytes(name(other), other, false)))
        all.push_back(std::move(outcome));
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.trial < b.trial; });
  return all;
}

ROLEWISE_INLINE void process_group::give_up(std::string_view why) noexcept
{
  try {
    if (!is_lost_) set(detail::classic_text("gone/", options_.rank), std::string{why});
  } catch (...) {
  }
}

ROLEWISE_INLINE void process_group::require_sound(const process_group_options& o)
{
  if (o.size < 1 || o.rank < 0 || o.rank >= o.size || o.port < 1 || o.port > 65535 ||
      !(o.heartbeat_timeout > 0.0) || !(o.join_timeout > 0.0))
    throw_invalid_argument("process_group",
                           "want 0 <= rank < size, a port from 1 to 65535, heartbeat_timeout > 0 "
                           "and join_timeout > 0, "
                           "got rank ",
                           o.rank, " of ", o.size, ", port ", o.port, ", ", o.heartbeat_timeout,
                           " and ", o.join_timeout);
}

ROLEWISE_INLINE c10::intrusive_ptr<c10d::TCPStore> process_group::connected(bool is_server) const
{
  c10d::TCPStoreOptions wanted;
  wanted.port = static_cast<std::uint16_t>(options_.port);
  wanted.isServer = is_server;
  wanted.waitWorkers = false;
  const auto milliseconds = [](double seconds) {
    return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000.0)};
  };
  wanted.timeout = milliseconds(options_.join_timeout);
  try {
    auto store = c10::make_intrusive<c10d::TCPStore>(options_.host, wanted);
    store->setTimeout(milliseconds(options_.heartbeat_timeout));  // after the connection to rank 0
    return store;
  } catch (const std::exception& wrong) {
    throw_runtime_error("process_group", "rank ", options_.rank, " finds no rank 0 at ",
                        options_.host, ":", options_.port, ": ", first_line(wrong.what()));
  }
}

ROLEWISE_INLINE void process_group::beat()
{
  std::int64_t count = 1;
  const auto pause = std::chrono::duration<double>(std::min(1.0, options_.heartbeat_timeout / 8.0));
  auto next = clock::now();
  while (!is_leaving_ && !is_lost_) {
    if (clock::now() >= next) {
      try {
        pulse_->set(alive(options_.rank), bytes_of(std::to_string(++count)));
      } catch (...) {  // the store is lost; a waiting call reports it
        is_lost_ = true;
      }
      next = clock::now() + std::chrono::duration_cast<clock::duration>(pause);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

ROLEWISE_INLINE void process_group::await(std::int64_t other, clock::time_point since)
{
  while (!ask([&] { return store_->check({alive(other)}); })) {
    if (const auto waited = std::chrono::duration<double>(clock::now() - since).count();
        waited > options_.join_timeout)
      throw_runtime_error("process_group", "rank ", other, " of ", options_.size,
                          " has not joined within ", waited, " s");
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
}

ROLEWISE_INLINE std::string process_group::get(const std::string& name, std::int64_t from)
{
  auto last_sign = clock::now();
  std::vector<std::uint8_t> sign;
  auto pause = std::chrono::microseconds{200};
  while (!ask([&] { return store_->check({name}); })) {
    if (ask([&] { return store_->check({detail::classic_text("gone/", from)}); })) {
      const auto why = ask([&] { return store_->get(detail::classic_text("gone/", from)); });
      throw_runtime_error("process_group", "rank ", from, " of ", options_.size,
                          " has stopped: ", std::string{why.begin(), why.end()});
    }
    if (ask([&] { return store_->check({alive(from)}); })) {
      auto current = ask([&] { return store_->get(alive(from)); });
      if (current != sign) last_sign = clock::now();
      sign = std::move(current);
    }
    if (const auto silent = std::chrono::duration<double>(clock::now() - last_sign).count();
        silent > options_.heartbeat_timeout)
      throw_runtime_error("process_group", "rank ", from, " of ", options_.size,
                          " has disappeared: no sign of life for ", silent, " s");
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, std::chrono::microseconds{20000});
  }
  const auto bytes = ask([&] { return store_->get(name); });
  return {bytes.begin(), bytes.end()};
}

ROLEWISE_INLINE void process_group::send_bytes(const std::string& name, std::string_view bytes)
{
  const auto pieces = (bytes.size() + most_bytes - 1) / most_bytes;
  for (std::size_t i = 0; i < pieces; ++i)
    set(detail::classic_text(name, "/", i), bytes.substr(i * most_bytes, most_bytes));
  set(name, std::to_string(pieces));
}

ROLEWISE_INLINE std::string process_group::receive_bytes(const std::string& name, std::int64_t from,
                                                         bool forget)
{
  const auto pieces = std::stoull(get(name, from));
  std::string bytes;
  for (std::size_t i = 0; i < pieces; ++i) {
    const auto piece = detail::classic_text(name, "/", i);
    bytes += get(piece, from);
    if (forget) ask([&] { return store_->deleteKey(piece); });
  }
  return bytes;
}

}  // namespace rolewise
