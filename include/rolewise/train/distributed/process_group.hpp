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
#include <rolewise/support/inline.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/json_reader.hpp>
#include <rolewise/support/mapped_file.hpp>
#include <rolewise/train/checkpoint.hpp>
#include <rolewise/train/detail/search_course.hpp>
#include <rolewise/train/run_search.hpp>
#include <rolewise/train/snapshot.hpp>

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
[[nodiscard]] ROLEWISE_INLINE process_group_options process_group_from_environment();

namespace detail {

/// Encodes outcomes as JSON lines; numbers round-trip bit for bit.
[[nodiscard]] ROLEWISE_INLINE std::string encoded(const std::vector<trial_outcome>& outcomes);

[[nodiscard]] ROLEWISE_INLINE std::vector<trial_outcome> decoded_outcomes(std::string_view lines);

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
  explicit process_group(const process_group_options& options);
  process_group(const process_group&) = delete;
  process_group& operator=(const process_group&) = delete;
  /// Rank 0, which hosts the store, waits until the others have left or are lost.
  ~process_group();

  [[nodiscard]] std::int64_t rank() const noexcept { return options_.rank; }
  [[nodiscard]] std::int64_t size() const noexcept { return options_.size; }

  // The interface that `run_search` requires of a process group.

  [[nodiscard]] bool owns(std::int64_t trial) const { return owner(trial) == options_.rank; }
  [[nodiscard]] bool keeps_history() const { return options_.rank == 0; }

  /// Begins a search: returns the text of rank 0 in every process.
  [[nodiscard]] std::string shared(std::string text);

  void send(std::int64_t round, const search::exploit_trial& copied, const snapshot& state)
  {
    send_bytes(name_of(round, copied), detail::encode(state));
  }
  [[nodiscard]] snapshot receive(std::int64_t round, const search::exploit_trial& copied);

  /// Exchanges the scores and failures of all ranks; returns them by trial number.
  [[nodiscard]] std::vector<detail::trial_outcome> exchanged(
      std::int64_t round, std::vector<detail::trial_outcome> own);

  /// Reports to the other processes that this one stops, and why.
  void give_up(std::string_view why) noexcept;

 private:
  using clock = std::chrono::steady_clock;
  static constexpr std::size_t most_bytes = std::size_t{1} << 22;  // the store takes 8 MiB a value

  static void require_sound(const process_group_options& o);

  [[nodiscard]] c10::intrusive_ptr<c10d::TCPStore> connected(bool is_server) const;
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

  void beat();
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
  void await(std::int64_t other, clock::time_point since);

  /// Waits for a value of another rank.
  [[nodiscard]] std::string get(const std::string& name, std::int64_t from);

  void send_bytes(const std::string& name, std::string_view bytes);
  /// @param forget whether to delete the pieces, as no other process reads them
  [[nodiscard]] std::string receive_bytes(const std::string& name, std::int64_t from, bool forget);

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

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/distributed/implementation/process_group.hpp>
#endif
