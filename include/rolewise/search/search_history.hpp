// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The history of a search: its settings and its events.

#include <rolewise/core/seed.hpp>
#include <rolewise/search/configuration.hpp>
#include <rolewise/search/space.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rolewise::search {

/// One event of one trial.
struct search_event {
  enum class kind {
    started,  ///< at `at`; the configuration derived from that of `from`, if there is one
    copied,   ///< took over the state of `from` at epoch `from_epoch`; continues at `at`
    stopped,  ///< trains no more
    scored,   ///< evaluated after `epoch` epochs with the score `score`
    failed,   ///< diverged in training to `epoch` epochs or in evaluation there: `reason`
  };

  kind what = kind::started;
  std::int64_t round = 0;  ///< 0-based index of the round
  std::int64_t trial = 0;
  std::int64_t epoch = 0;  ///< epochs that the trial had been trained for at the event
  std::optional<std::int64_t> from{};
  std::optional<std::int64_t> from_epoch{};
  std::optional<configuration> at{};
  std::optional<double> score{};
  std::string reason{};  ///< for a failed trial, what diverged and where; otherwise empty
  double seconds = 0.0;  ///< wall time since the search began, summed over all its sessions

  /// Compares all members but `seconds`.
  friend bool operator==(const search_event& a, const search_event& b)
  {
    return a.what == b.what && a.round == b.round && a.trial == b.trial && a.epoch == b.epoch &&
           a.from == b.from && a.from_epoch == b.from_epoch && a.at == b.at && a.score == b.score &&
           a.reason == b.reason;
  }
};

/// The settings of a search and all its events, ordered by (round, decisions before scores and
/// failures, trial): the same however many trials were trained at once.
struct search_history {
  std::string strategy;  ///< name of the strategy
  search_space space;
  std::int64_t trials = 0;
  std::int64_t epochs = 0;
  std::int64_t evaluation_interval = 1;
  rolewise::seed seed{0};
  std::vector<search_event> events;

  friend bool operator==(const search_history&, const search_history&) = default;
};

}  // namespace rolewise::search
