// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/search_course.hpp>.

#include <rolewise/train/detail/search_course.hpp>

#include <rolewise/support/error.hpp>

#include <variant>

namespace rolewise::detail {

ROLEWISE_INLINE bool search_course::is_over() const
{
  return std::all_of(trial_states_.begin(), trial_states_.end(),
                     [](const auto& s) { return s.finished; });
}

ROLEWISE_INLINE std::int64_t search_course::end_of_round(std::int64_t trial) const
{
  const auto per_round = history_.evaluation_interval;
  return std::min((at(trial).epoch / per_round + 1) * per_round, history_.epochs);
}

ROLEWISE_INLINE std::vector<std::int64_t> search_course::in_training() const
{
  std::vector<std::int64_t> trials;
  for (const auto& s : trial_states_)
    if (s.at && !s.finished) trials.push_back(s.trial);
  return trials;
}

ROLEWISE_INLINE std::vector<search::decision> search_course::checked(
    std::vector<search::decision> decisions) const
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
      throw_invalid_argument(who(), "made ", count, " decisions on trial ", s.trial, ", which has ",
                             s.finished ? "finished" : "not finished", "; want ",
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

ROLEWISE_INLINE std::size_t search_course::events_of(
    const std::vector<search::decision>& decisions) const
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

ROLEWISE_INLINE void search_course::decide(const std::vector<search::decision>& decisions,
                                           double seconds)
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

ROLEWISE_INLINE void search_course::end_round_of(const trial_outcome& of)
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

ROLEWISE_INLINE void search_course::require_one_left() const
{
  if (std::any_of(trial_states_.begin(), trial_states_.end(),
                  [](const auto& s) { return s.score; }))
    return;
  std::string words;
  for (const auto& [trial, epoch, tried, reason] : search::failed_trials(history_))
    words +=
        detail::classic_text(words.empty() ? "" : "; ", words_of_trial(trial, tried), ": ", reason);
  if (!words.empty()) throw_runtime_error("run_search", "all trials have failed: ", words);
}

ROLEWISE_INLINE void search_course::require_trial(std::int64_t trial) const
{
  if (trial < 0 || trial >= history_.trials)
    throw_invalid_argument(who(), "decided on trial ", trial, ", there are ", history_.trials);
}

ROLEWISE_INLINE void search_course::require_configuration(std::int64_t trial,
                                                          const search::configuration& p) const
{
  if (!history_.space.contains(p))
    throw_invalid_argument(who(), "sends trial ", trial,
                           " to a configuration outside of the space");
}

ROLEWISE_INLINE void search_course::require_sound(const search::decision& made) const
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
      throw_invalid_argument(who(), "copies trial ", copied->from, " as it was ",
                             copied->evaluations_ago, " evaluations ago; want ",
                             may_read_history_ ? "0 or 1" : "0, as it does not say reads_history");
    const auto& others = copied->evaluations_ago == 0 ? trial_states_ : earlier_;
    if (others.empty() || !others[static_cast<std::size_t>(copied->from)].at)
      throw_invalid_argument(who(), "copies trial ", copied->from, ", which had not started");
    if (others[static_cast<std::size_t>(copied->from)].failed)
      throw_invalid_argument(who(), "copies trial ", copied->from, ", which had failed");
  }
}

}  // namespace rolewise::detail
