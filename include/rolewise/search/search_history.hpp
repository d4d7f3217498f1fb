// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What happened in a search, event by event.

#include <rolewise/core/seed.hpp>
#include <rolewise/search/point.hpp>
#include <rolewise/search/space.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rolewise {

/// One thing that happened to one trial.
struct search_event {
  enum class kind {
    started,  ///< at `at`; its point made from that of `from`, where there is one
    copied,   ///< took over what `from` had learned by its epoch `from_epoch`; goes on at `at`
    stopped,  ///< trains no more
    scored,   ///< reached `epoch` epochs and the score `score`
    failed,   ///< diverged on the way to `epoch` epochs or when it was judged there: `reason`
  };

  kind what = kind::started;
  std::int64_t round = 0;  ///< looks at the standings before this one
  std::int64_t trial = 0;
  std::int64_t epoch = 0;  ///< epochs that the trial had been trained for when it happened
  std::optional<std::int64_t> from{};
  std::optional<std::int64_t> from_epoch{};
  std::optional<point> at{};
  std::optional<double> score{};
  std::string reason{};  ///< what has diverged where, of a trial that has failed; else empty
  double seconds = 0.0;  ///< of wall time since the search began, over all its sessions

  /// Times aside.
  friend bool operator==(const search_event& a, const search_event& b)
  {
    return a.what == b.what && a.round == b.round && a.trial == b.trial && a.epoch == b.epoch &&
           a.from == b.from && a.from_epoch == b.from_epoch && a.at == b.at && a.score == b.score &&
           a.reason == b.reason;
  }
};

/// What was searched and how, and all that happened, in the order of (round, decisions before
/// scores and failures, trial): the same however many trials were trained at once.
struct search_history {
  std::string strategy;  ///< its name
  search_space space;
  std::int64_t trials = 0;
  std::int64_t epochs = 0;
  std::int64_t epochs_per_round = 1;
  rolewise::seed seed{0};
  std::vector<search_event> events;

  friend bool operator==(const search_history&, const search_history&) = default;
};

}  // namespace rolewise
