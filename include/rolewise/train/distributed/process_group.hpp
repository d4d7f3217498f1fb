// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Distributed search: its trials are divided among processes. No umbrella header includes this
/// one, because LibTorch's store takes a second to compile.

#include <rolewise/data/batch_source.hpp>
#include <rolewise/search/search_history_file.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/json_reader.hpp>
#include <rolewise/support/mapped_file.hpp>
#include <rolewise/train/checkpoint.hpp>
#include <rolewise/train/detail/search_course.hpp>
#include <rolewise/train/run_search.hpp>
#include <rolewise/train/snapshot.hpp>

// LibTorch's own CMake targets define it where c10d was built; the headers are there in any case.
#ifndef USE_DISTRIBUTED
#error rolewise::process_group needs a LibTorch with c10d (built with USE_DISTRIBUTED), and this one has none. \
Without CMake, define USE_DISTRIBUTED if yours has it.
#endif
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace rolewise {

/// Options of a process group.
struct process_group_options {
  std::int64_t rank = 0;  ///< this process, 0 .. size - 1
  std::int64_t size = 1;
  std::string host = "127.0.0.1";  ///< of rank 0
  std::int64_t port = 29500;       ///< on which rank 0 listens
  /// Heartbeat timeout: a process without a heartbeat for this many seconds is lost.
  double heartbeat_timeout = 30.0;
  /// Seconds to wait for rank 0 to start, and then for all others: they may start at different
  /// times, and read their data first.
  double join_timeout = 300.0;
};

/// Reads the variables that `torchrun` and similar launchers set: RANK, WORLD_SIZE, MASTER_ADDR,
/// MASTER_PORT.
/// @throws std::invalid_argument that names the variable that is missing or not a number
[[nodiscard]] inline process_group_options process_group_from_environment()
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

namespace detail {

/// Encodes outcomes as JSON lines; numbers round-trip bit for bit.
[[nodiscard]] inline std::string encoded(const std::vector<trial_outcome>& outcomes)
{
  std::string lines;
  for (const auto& [trial, score, reason, seconds] : outcomes) {
    json::object all{{"trial", trial}, {"reason", reason}, {"seconds", seconds}};
    if (score) all.emplace_back("score", *score);
    lines += search::detail::line_of(all);
  }
  return lines;
}

[[nodiscard]] inline std::vector<trial_outcome> decoded_outcomes(std::string_view lines)
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

}  // namespace detail

/// The processes of a search, connected through a `c10d::TCPStore` in rank 0. Rank i mod size owns
/// trial i.
///
/// Each process sends heartbeats from its own background thread. Waiting for a process whose
/// heartbeats have stopped, or that has reported that it stops, throws an error that names it.
class process_group {
 public:
  static constexpr bool is_alone = false;

  /// Waits until all processes have started.
  /// @throws std::invalid_argument for invalid options
  /// @throws std::runtime_error that names the process that does not start
  explicit process_group(const process_group_options& options)
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
  process_group(const process_group&) = delete;
  process_group& operator=(const process_group&) = delete;
  /// Rank 0, which hosts the store, waits until the others have left or are lost.
  ~process_group()
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

  [[nodiscard]] std::int64_t rank() const noexcept { return options_.rank; }
  [[nodiscard]] std::int64_t size() const noexcept { return options_.size; }

  // The interface that `run_search` requires of a process group.

  [[nodiscard]] bool owns(std::int64_t trial) const { return owner(trial) == options_.rank; }
  [[nodiscard]] bool keeps_history() const { return options_.rank == 0; }

  /// Begins a search: returns the text of rank 0 in every process.
  [[nodiscard]] std::string shared(std::string text)
  {
    ++searches_;
    const auto name = key("begin");
    if (options_.rank == 0) send_bytes(name, text);
    return options_.rank == 0 ? std::move(text) : receive_bytes(name, 0, false);
  }

  void send(std::int64_t round, const search::exploit_trial& copied, const snapshot& state)
  {
    send_bytes(name_of(round, copied), detail::encode(state));
  }
  [[nodiscard]] snapshot receive(std::int64_t round, const search::exploit_trial& copied)
  {
    const auto name = name_of(round, copied);
    auto bytes = receive_bytes(name, owner(copied.from), true);
    return detail::state_reader{detail::owned(std::move(bytes)), name}.read();
  }

  /// Exchanges the scores and failures of all ranks; returns them by trial number.
  [[nodiscard]] std::vector<detail::trial_outcome> exchanged(std::int64_t round,
                                                             std::vector<detail::trial_outcome> own)
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
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a.trial < b.trial; });
    return all;
  }

  /// Reports to the other processes that this one stops, and why.
  void give_up(std::string_view why) noexcept
  {
    try {
      if (!is_lost_) set(detail::classic_text("gone/", options_.rank), std::string{why});
    } catch (...) {
    }
  }

 private:
  using clock = std::chrono::steady_clock;
  static constexpr std::size_t most_bytes = std::size_t{1} << 22;  // the store takes 8 MiB a value

  static void require_sound(const process_group_options& o)
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

  [[nodiscard]] c10::intrusive_ptr<c10d::TCPStore> connected(bool is_server) const
  {
    c10d::TCPStoreOptions wanted;
    wanted.port = static_cast<std::uint16_t>(options_.port);
    wanted.isServer = is_server;
    wanted.waitWorkers = false;
    wanted.useLibUV = false;  // the default, which not every LibTorch was built with
    const auto milliseconds = [](double seconds) {
      return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000.0)};
    };
    wanted.timeout = milliseconds(options_.join_timeout);
    try {
      auto store = c10::make_intrusive<c10d::TCPStore>(options_.host, wanted);
      store->setTimeout(
          milliseconds(options_.heartbeat_timeout));  // after the connection to rank 0
      return store;
    } catch (const std::exception& wrong) {
      throw_runtime_error("process_group", "rank ", options_.rank, " finds no rank 0 at ",
                          options_.host, ":", options_.port, ": ", first_line(wrong.what()));
    }
  }
  [[nodiscard]] c10::intrusive_ptr<c10d::TCPStore> connected() const
  {
    return connected(options_.rank == 0);
  }
  /// A second connection for heartbeats, as the first one may be busy.
  [[nodiscard]] c10::intrusive_ptr<c10d::TCPStore> connected_again() const
  {
    return connected(false);
  }

  [[nodiscard]] static std::string first_line(std::string_view words)
  {
    return std::string{words.substr(0, words.find('\n'))};
  }
  [[nodiscard]] static std::string alive(std::int64_t rank)
  {
    return detail::classic_text("alive/", rank);
  }
  [[nodiscard]] std::string key(std::string_view name) const
  {
    return detail::classic_text("search", searches_, "/", name);
  }
  [[nodiscard]] std::string name_of(std::int64_t round, const search::exploit_trial& copied) const
  {
    return key(detail::classic_text("copy/", round, "/", copied.from, "/", copied.to));
  }
  [[nodiscard]] std::int64_t owner(std::int64_t trial) const { return trial % options_.size; }

  void beat()
  {
    std::int64_t count = 1;
    const auto pause =
        std::chrono::duration<double>(std::min(1.0, options_.heartbeat_timeout / 8.0));
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
  void stop_beating()
  {
    is_leaving_ = true;
    if (beat_.joinable()) beat_.join();
  }

  [[nodiscard]] static std::vector<std::uint8_t> bytes_of(std::string_view text)
  {
    return {text.begin(), text.end()};
  }

  /// Calls the store; an error there means that rank 0 is lost.
  template<typename Call>
  auto ask(const Call& call)
  {
    try {
      return call();
    } catch (const std::exception& wrong) {
      is_lost_ = true;
      throw_runtime_error("process_group", "rank 0 has disappeared, and the store with it: ",
                          first_line(wrong.what()));
    }
  }

  void set(const std::string& name, std::string_view text)
  {
    ask([&] { store_->set(name, bytes_of(text)); });
  }

  /// Waits for another rank to start.
  void await(std::int64_t other, clock::time_point since)
  {
    while (!ask([&] { return store_->check({alive(other)}); })) {
      if (const auto waited = std::chrono::duration<double>(clock::now() - since).count();
          waited > options_.join_timeout)
        throw_runtime_error("process_group", "rank ", other, " of ", options_.size,
                            " has not joined within ", waited, " s");
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
  }

  /// Waits for a value of another rank.
  [[nodiscard]] std::string get(const std::string& name, std::int64_t from)
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

  void send_bytes(const std::string& name, std::string_view bytes)
  {
    const auto pieces = (bytes.size() + most_bytes - 1) / most_bytes;
    for (std::size_t i = 0; i < pieces; ++i)
      set(detail::classic_text(name, "/", i), bytes.substr(i * most_bytes, most_bytes));
    set(name, std::to_string(pieces));
  }
  /// @param forget whether to delete the pieces, as no other process reads them
  [[nodiscard]] std::string receive_bytes(const std::string& name, std::int64_t from, bool forget)
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

  process_group_options options_;
  c10::intrusive_ptr<c10d::TCPStore> store_, pulse_;
  std::atomic<bool> is_leaving_{false}, is_lost_{false};
  std::thread beat_;
  std::int64_t searches_ = 0;
};

/// `run_search` with the trials of each round divided among processes, which all call this with the
/// same arguments. Each process returns the whole history and the trial states, and the steps of
/// its own trials. If a trial copies one of another process, the state is sent through the store.
/// Rank 0 writes the history to the folder and each process the checkpoints of its own trials, so
/// the folder must be shared by all of them. Callbacks are notified in each process.
///
///     process_group process_group{process_group_from_environment()};
///     const auto found = run_search(process_group, strategy, space, factory, metric, train,
///     {.trials = 16});
///
/// The history is the same for any number of processes, wall times aside, given the same number of
/// threads in each trial, the same kind of processor and the same LibTorch.
/// @throws std::runtime_error that names a process that is lost or has stopped; the search in the
///         folder can be resumed, also with another number of processes
template<search::SearchStrategy Strategy, TrialFactory Factory, typename Metric, BatchSource Source,
         SearchCallback... Callbacks>
[[nodiscard]] auto run_search(process_group& process_group, const Strategy& strategy,
                              const search::search_space& space, const Factory& factory,
                              const Metric& metric, const Source& data,
                              const search_run_options& options, Callbacks&&... callbacks)
{
  try {
    return detail::run_search_in(process_group, strategy, space, factory, metric, data, options,
                                 callbacks...);
  } catch (const std::exception& wrong) {
    process_group.give_up(wrong.what());
    throw;
  } catch (...) {
    process_group.give_up("something else than an error was thrown");
    throw;
  }
}

}  // namespace rolewise
