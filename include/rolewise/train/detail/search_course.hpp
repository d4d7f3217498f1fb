// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The state of a search: how decisions and scores change trial states, and the events they
/// produce.

#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_lineage.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/naming_trial.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
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
  [[nodiscard]] bool is_over() const
  {
    return std::all_of(trial_states_.begin(), trial_states_.end(),
                       [](const auto& s) { return s.finished; });
  }
  /// Epoch at which a trial's next round of training ends.
  [[nodiscard]] std::int64_t end_of_round(std::int64_t trial) const
  {
    const auto per_round = history_.evaluation_interval;
    return std::min((at(trial).epoch / per_round + 1) * per_round, history_.epochs);
  }
  /// Trials that train in this round, by number.
  [[nodiscard]] std::vector<std::int64_t> in_training() const
  {
    std::vector<std::int64_t> trials;
    for (const auto& s : trial_states_)
      if (s.at && !s.finished) trials.push_back(s.trial);
    return trials;
  }

  /// Checks decisions and returns them by trial number, the order in which they are carried out.
  /// @throws std::invalid_argument that names the trial whose decision is invalid
  [[nodiscard]] std::vector<search::decision> checked(std::vector<search::decision> decisions) const
  {
    std::stable_sort(decisions.begin(), decisions.end(),
                     [](const auto& a, const auto& b) { return trial_of(a) < trial_of(b); });
    std::vector<int> made(trial_states_.size());
    for (const auto& d : decisions) {
      require_trial(trial_of(d));
      ++made[static_cast<std::size_t>(trial_of(d))];
      require_sound(d);
    }
    for (const auto& s : trial_states_)
      if (const auto count = made[static_cast<std::size_t>(s.trial)]; count != (s.finished ? 0 : 1))
        throw_invalid_argument(who(), "made ", count, " decisions on trial ", s.trial,
                               ", which has ", s.finished ? "finished" : "not finished", "; want ",
                               s.finished ? 0 : 1);
    const auto trains = [&](const search::decision& d) {
      return !std::holds_alternative<search::stop_trial>(d) &&
             (!std::holds_alternative<search::keep_trial>(d) || at(trial_of(d)).at.has_value());
    };
    const auto waits = [](const search::decision& d) {
      return std::holds_alternative<search::keep_trial>(d);
    };
    if (std::none_of(decisions.begin(), decisions.end(), trains) &&
        std::any_of(decisions.begin(), decisions.end(), waits))
      throw_invalid_argument(who(), "leaves trials waiting and none training");
    return decisions;
  }

  /// Number of events that these decisions and the scores after them produce.
  /// @param decisions as returned by `checked`
  [[nodiscard]] std::size_t events_of(const std::vector<search::decision>& decisions) const
  {
    std::size_t count = 0;
    for (const auto& made : decisions) {
      const bool is_kept = std::holds_alternative<search::keep_trial>(made);
      count += is_kept ? 0U : 1U;
      // Then a score or a failure; a kept trial that has failed is stopped instead.
      count += is_kept ? (at(trial_of(made)).at ? 1U : 0U)
                       : (std::holds_alternative<search::stop_trial>(made) ? 0U : 1U);
    }
    return count;
  }

  /// @param decisions as returned by `checked`
  void decide(const std::vector<search::decision>& decisions, double seconds)
  {
    auto before = trial_states_;
    for (const auto& made : decisions) {
      auto& s = trial_states_[static_cast<std::size_t>(trial_of(made))];
      search::search_event event{
          .round = round_, .trial = s.trial, .epoch = s.epoch, .seconds = seconds};
      if (const auto* started = std::get_if<search::start_trial>(&made)) {
        event.from = started->parent;
        event.at = s.at = started->at;
      } else if (const auto* copied = std::get_if<search::exploit_trial>(&made)) {
        const auto& other =
            (copied->evaluations_ago == 0 ? before
                                          : earlier_)[static_cast<std::size_t>(copied->from)];
        event.what = search::search_event::kind::copied;
        event.from = copied->from;
        event.from_epoch = s.epoch = other.epoch;
        event.at = s.at = copied->at;
        s.score = other.score;
        s.failed = false;
      } else if (std::holds_alternative<search::stop_trial>(made) || s.failed) {
        event.what = search::search_event::kind::stopped;
        s.finished = true;
      } else {
        continue;
      }
      history_.events.push_back(std::move(event));
    }
    if (may_read_history_) earlier_ = std::move(before);
  }

  /// Records the result of a trial's round: a score or a failure.
  void end_round_of(const trial_outcome& of)
  {
    auto& s = trial_states_[static_cast<std::size_t>(of.trial)];
    const auto end = end_of_round(of.trial);
    s.epoch = end;
    s.score = of.score;
    s.failed = !of.score.has_value();
    s.finished = end == history_.epochs;
    s.past.push_back({end, of.score.value_or(search::failed_score), *s.at});
    search::search_event event{
        .round = round_, .trial = of.trial, .epoch = end, .seconds = of.seconds};
    event.what = s.failed ? search::search_event::kind::failed : search::search_event::kind::scored;
    event.score = of.score;
    if (s.failed) event.reason = of.reason;
    history_.events.push_back(std::move(event));
  }

  /// @throws std::runtime_error that names each failed trial, its configuration and the reason, if
  ///         trials have failed and none has a score
  void require_one_left() const
  {
    if (std::any_of(trial_states_.begin(), trial_states_.end(),
                    [](const auto& s) { return s.score; }))
      return;
    std::string words;
    for (const auto& [trial, epoch, tried, reason] : search::failed_trials(history_))
      words += detail::classic_text(words.empty() ? "" : "; ", words_of_trial(trial, tried), ": ",
                                    reason);
    if (!words.empty()) throw_runtime_error("run_search", "all trials have failed: ", words);
  }

  void end_round() { ++round_; }

 private:
  [[nodiscard]] const search::trial_state& at(std::int64_t trial) const
  {
    return trial_states_[static_cast<std::size_t>(trial)];
  }
  [[nodiscard]] std::string who() const { return "strategy '" + history_.strategy + "'"; }

  void require_trial(std::int64_t trial) const
  {
    if (trial < 0 || trial >= history_.trials)
      throw_invalid_argument(who(), "decided on trial ", trial, ", there are ", history_.trials);
  }
  void require_configuration(std::int64_t trial, const search::configuration& p) const
  {
    if (!history_.space.contains(p))
      throw_invalid_argument(who(), "sends trial ", trial,
                             " to a configuration outside of the space");
  }

  void require_sound(const search::decision& made) const
  {
    const auto trial = trial_of(made);
    const bool has_started = at(trial).at.has_value();
    if (const auto* started = std::get_if<search::start_trial>(&made)) {
      if (has_started) throw_invalid_argument(who(), "starts trial ", trial, ", which has started");
      if (started->parent) require_trial(*started->parent);
      require_configuration(trial, started->at);
    } else if (const auto* copied = std::get_if<search::exploit_trial>(&made)) {
      require_trial(copied->from);
      require_configuration(trial, copied->at);
      if (!has_started)
        throw_invalid_argument(who(), "copies to trial ", trial, ", which has not started");
      if (copied->evaluations_ago < 0 || copied->evaluations_ago > (may_read_history_ ? 1 : 0))
        throw_invalid_argument(
            who(), "copies trial ", copied->from, " as it was ", copied->evaluations_ago,
            " evaluations ago; want ",
            may_read_history_ ? "0 or 1" : "0, as it does not say reads_history");
      const auto& others = copied->evaluations_ago == 0 ? trial_states_ : earlier_;
      if (others.empty() || !others[static_cast<std::size_t>(copied->from)].at)
        throw_invalid_argument(who(), "copies trial ", copied->from, ", which had not started");
      if (others[static_cast<std::size_t>(copied->from)].failed)
        throw_invalid_argument(who(), "copies trial ", copied->from, ", which had failed");
    }
  }

  search::search_history history_;
  std::vector<search::trial_state> trial_states_, earlier_;
  std::int64_t round_ = 0;
  bool may_read_history_;
};

}  // namespace rolewise::detail
