// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The state of a search: how decisions and scores change trial states, and the events they
/// produce.

#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_lineage.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/detail/naming_trial.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Whether a strategy may copy trials as they were one comparison of trial states ago.
template<typename Strategy>
[[nodiscard]] consteval bool reads_history()
{
  if constexpr (requires { requires Strategy::reads_history == true; }) return true;
  return false;
}

/// Result of training one trial for one round.
struct trial_outcome {
  std::int64_t trial = 0;
  std::optional<double> score{};  ///< finite; empty if the trial failed
  std::string reason{};           ///< why it failed
  double seconds = 0.0;
};

/// A search without its training: trial states, decisions, scores, events. All decisions of a round
/// are checked before anything changes.
class search_course {
 public:
  /// @param about everything but the events
  search_course(search::search_history about, bool may_read_history)
      : history_{std::move(about)}, may_read_history_{may_read_history}
  {
    for (std::int64_t i = 0; i < history_.trials; ++i) trial_states_.push_back({.trial = i});
  }

  [[nodiscard]] const std::vector<search::trial_state>& trial_states() const
  {
    return trial_states_;
  }
  [[nodiscard]] const search::search_history& history() const { return history_; }
  [[nodiscard]] std::int64_t round() const { return round_; }
  [[nodiscard]] bool is_over() const;
  /// Epoch at which a trial's next round of training ends.
  [[nodiscard]] std::int64_t end_of_round(std::int64_t trial) const;
  /// Trials that train in this round, by number.
  [[nodiscard]] std::vector<std::int64_t> in_training() const;

  /// Checks decisions and returns them by trial number, the order in which they are carried out.
  /// @throws std::invalid_argument that names the trial whose decision is invalid
  [[nodiscard]] std::vector<search::decision> checked(
      std::vector<search::decision> decisions) const;

  /// Number of events that these decisions and the scores after them produce.
  /// @param decisions as returned by `checked`
  [[nodiscard]] std::size_t events_of(const std::vector<search::decision>& decisions) const;

  /// @param decisions as returned by `checked`
  void decide(const std::vector<search::decision>& decisions, double seconds);

  /// Records the result of a trial's round: a score or a failure.
  void end_round_of(const trial_outcome& of);

  /// @throws std::runtime_error that names each failed trial, its configuration and the reason, if
  ///         trials have failed and none has a score
  void require_one_left() const;

  void end_round() { ++round_; }

 private:
  [[nodiscard]] const search::trial_state& at(std::int64_t trial) const
  {
    return trial_states_[static_cast<std::size_t>(trial)];
  }
  [[nodiscard]] std::string who() const { return "strategy '" + history_.strategy + "'"; }

  void require_trial(std::int64_t trial) const;
  void require_configuration(std::int64_t trial, const search::configuration& p) const;

  void require_sound(const search::decision& made) const;

  search::search_history history_;
  std::vector<search::trial_state> trial_states_, earlier_;
  std::int64_t round_ = 0;
  bool may_read_history_;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/search_course.hpp>
#endif
