// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// One search, from its first decision or from its saved state to its end.

#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/settings.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/search/search_history_file.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/run_concurrently.hpp>
#include <rolewise/train/detail/naming_trial.hpp>
#include <rolewise/train/detail/search_course.hpp>
#include <rolewise/train/detail/search_folder.hpp>
#include <rolewise/train/detail/trial_steps.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/search_callback.hpp>
#include <rolewise/train/search_run_options.hpp>
#include <rolewise/train/snapshot.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise::detail {

/// The process group of a search in a single process, which owns all trials.
struct single_process {
  static constexpr bool is_alone = true;

  [[nodiscard]] static bool owns(std::int64_t) { return true; }
  [[nodiscard]] static bool keeps_history() { return true; }
};

/// Reorders outcomes: receives them as trials finish, passes them on by trial number.
class outcomes_in_turn {
 public:
  /// @param trials ascending
  explicit outcomes_in_turn(std::vector<std::int64_t> trials)
      : trials_{std::move(trials)}, outcomes_(trials_.size())
  {}

  template<typename Next>
  void add(const trial_outcome& found, const Next& next)
  {
    const auto place =
        std::lower_bound(trials_.begin(), trials_.end(), found.trial) - trials_.begin();
    outcomes_[static_cast<std::size_t>(place)] = found;
    for (; next_ < outcomes_.size() && outcomes_[next_]; ++next_) next(*outcomes_[next_]);
  }

 private:
  std::vector<std::int64_t> trials_;
  std::vector<std::optional<trial_outcome>> outcomes_;
  std::size_t next_ = 0;
};

template<typename Strategy, typename Factory, typename Step, typename Metric, typename ProcessGroup,
         typename Tell>
class search_run {
 public:
  /// @param tell `(event)` passes an event to the callbacks
  search_run(const Strategy& strategy, const search::search_space& space, const Factory& factory,
             const Metric& metric, const batch_source_reference& data,
             const search_run_options& options, ProcessGroup& process_group, const Tell& tell)
      : strategy_{strategy},
        metric_{metric},
        data_{data},
        options_{options},
        process_group_{process_group},
        tell_{tell},
        course_{{.strategy = std::string{std::string_view{Strategy::name}},
                 .space = space,
                 .trials = options.trials,
                 .epochs = options.epochs,
                 .evaluation_interval = options.evaluation_interval,
                 .seed = options.seed,
                 .events = {}},
                reads_history<Strategy>()},
        steps_{factory, options.trials, options.seed, reads_history<Strategy>()},
        folder_{options.folder}
  {}

  void go()
  {
    open();
    bool is_begun = false;
    while (!course_.is_over()) {
      const auto decisions =
          course_.checked(strategy_(course_.history().space, course_.trial_states(),
                                    options_.seed.split(purpose{"strategy"})));
      if (!is_begun && !is_recorded_whole(decisions)) {
        begin();
        is_begun = true;
      }
      decide(decisions);
      if (is_begun) {
        steps_.carry_out(decisions, course_.round(), process_group_);
        train();
      } else {
        for (const auto trial : course_.in_training()) (void)adopt_recorded(trial);
      }
      course_.end_round();
      if (is_begun) settle();
    }
    if (recorded() != nullptr)
      throw_runtime_error(
          folder_.history_path(), "is damaged: after the end of the search it has ",
          without_end(search::detail::line_of(search::detail::json_of(*recorded()))));
    course_.require_one_left();
    if (!is_begun) begin();
    tell_(search_end{course_.history(), course_.trial_states()});
  }

  [[nodiscard]] const search_course& course() const { return course_; }
  [[nodiscard]] trial_steps<Factory, Step>& steps() { return steps_; }

 private:
  using clock = std::chrono::steady_clock;

  /// Settings of the strategy and of a step. The step is that of trial 0 at a configuration that
  /// depends on the space alone, so searched values are the same in it for every search.
  [[nodiscard]] json::object settings() const
  {
    json::object all;
    const auto add = [&](const char* whose, const auto& part) {
      if constexpr (Described<decltype(part)>)
        for (auto& [name, value] : settings_of(part))
          all.emplace_back(whose + (name.empty() ? "" : "." + name), std::move(value));
      else
        throw_invalid_argument(
            "run_search", "a search that is kept compares all settings, but the ", whose,
            " does not tell its own: it has to be Described (rolewise/core/settings.hpp)");
    };
    add("strategy", strategy_);
    add("step", steps_.sample(course_.history().space.sample(seed{0})));
    return all;
  }

  [[nodiscard]] double seconds() const
  {
    return seconds_before_ + std::chrono::duration<double>(clock::now() - began_).count();
  }

  /// Reads the recorded events of this search.
  void open()
  {
    if (ProcessGroup::is_alone && !folder_.keeps()) return;
    const auto head = search::detail::head_of(course_.history(),
                                              {{"batch_size", options_.batch_size},
                                               {"data", data_.name()},
                                               {"samples", data_.size()},
                                               {"data_sum", classic_text(data_.fingerprint())},
                                               {"conditions", classic_text(options_.conditions)},
                                               {"settings", settings()}});
    std::string text;
    if (process_group_.keeps_history()) {
      if (folder_.keeps()) record_ = folder_.open(head);
      text = search::detail::line_of(head);
      for (const auto& event : record_)
        text += search::detail::line_of(search::detail::json_of(event));
    }
    if constexpr (!ProcessGroup::is_alone) text = process_group_.shared(std::move(text));
    if (!process_group_.keeps_history()) {
      auto found = search::detail::history_from(text, folder_.history_path());
      folder_.require_same(found->head, head);
      record_ = std::move(found->history.events);
    }
    for (const auto& event : record_) seconds_before_ = std::max(seconds_before_, event.seconds);
  }

  /// The next recorded event that is not replayed yet; null if there is none.
  [[nodiscard]] const search::search_event* recorded() const
  {
    return course_.history().events.size() < record_.size()
               ? &record_[course_.history().events.size()]
               : nullptr;
  }

  void decide(const std::vector<search::decision>& decisions)
  {
    const auto first = course_.history().events.size();
    const auto* there = recorded();
    course_.decide(decisions, there == nullptr ? seconds() : there->seconds);
    const auto& events = course_.history().events;
    for (auto i = first; i < events.size(); ++i) {
      if (i >= record_.size())
        note(events[i]);
      else if (!(events[i] == record_[i]))
        throw_invalid_argument(
            "run_search", folder_.history_path(), " is of another search: in round ",
            course_.round(), " strategy '", Strategy::name, "' decides otherwise on trial ",
            events[i].trial, ": ",
            without_end(search::detail::line_of(search::detail::json_of(record_[i]))),
            " was recorded, now it is ",
            without_end(search::detail::line_of(search::detail::json_of(events[i]))));
    }
  }
  void note(const search::search_event& event)
  {
    if (process_group_.keeps_history()) folder_.add(event);
    tell_(search_goes_on{event, course_.history(), course_.trial_states()});
  }
  [[nodiscard]] static std::string without_end(std::string line)
  {
    line.pop_back();
    return line;
  }

  /// Whether all events of this round are recorded.
  [[nodiscard]] bool is_recorded_whole(const std::vector<search::decision>& decisions) const
  {
    return course_.history().events.size() + course_.events_of(decisions) <= record_.size();
  }

  /// Replays a recorded score or failure.
  /// @return whether it is a score
  [[nodiscard]] bool adopt_recorded(std::int64_t trial)
  {
    const auto& event = record_[course_.history().events.size()];
    const bool is_score = event.what == search::search_event::kind::scored && event.score;
    const bool is_failure = event.what == search::search_event::kind::failed && !event.score;
    if (!(is_score || is_failure) || event.round != course_.round() || event.trial != trial ||
        event.epoch != course_.end_of_round(trial))
      throw_runtime_error(folder_.history_path(), "is damaged: in round ", course_.round(),
                          " a score of trial ", trial, " should follow, not ",
                          without_end(search::detail::line_of(search::detail::json_of(event))));
    course_.end_round_of({trial, event.score, event.reason, event.seconds});
    return is_score;
  }

  /// Restores the trials to their state at the last comparison of trial states.
  void begin()
  {
    const auto round = course_.round();
    for (const auto& kept : needed_states(course_.history(), round, false)) {
      if (!process_group_.owns(kept.trial)) continue;
      steps_.start(kept.trial, *course_.trial_states()[static_cast<std::size_t>(kept.trial)].at);
      steps_.take_up(kept.trial, folder_.state_of(kept));
    }
    if (reads_history<Strategy>())
      for (const auto& kept : needed_states(course_.history(), round - 1, false))
        if (process_group_.owns(kept.trial))
          steps_.earlier(kept.trial) = in_memory(folder_.state_of(kept));
    settle();  // removes what a killed run has left
    tell_(search_begin{course_.history(), course_.trial_states()});
  }

  /// A copy that maps no file, as `settle` of another process may remove it.
  [[nodiscard]] static snapshot in_memory(snapshot entries)
  {
    for (auto& entry : entries)
      if (auto* t = std::get_if<torch::Tensor>(&entry.value); t != nullptr && t->defined())
        *t = t->clone();
    return entries;
  }

  void settle() const
  {
    const auto round = course_.round();
    folder_.settle(needed_states(course_.history(), round, reads_history<Strategy>()), round);
  }

  /// Trains and evaluates the trials of this round, except those whose score or failure is
  /// recorded.
  void train()
  {
    std::vector<std::int64_t> own;
    for (const auto trial : course_.in_training()) {
      const bool is_own = process_group_.owns(trial);
      if (recorded() != nullptr) {
        const bool has_score = adopt_recorded(trial);
        if (is_own && has_score)
          steps_.take_up(trial, folder_.state_of({trial, course_.round()}));
        else if (is_own)
          steps_.drop(trial);
      } else if (is_own) {
        own.push_back(trial);
      }
    }
    outcomes_in_turn turns{own};
    std::vector<trial_outcome> outcomes;
    support::run_concurrently(
        ordered(own),
        {.max_concurrent = options_.max_concurrent_trials,
         .threads_per_task = options_.threads_per_trial},
        [&](std::int64_t trial) { return train(trial); },
        [&](std::int64_t trial, trial_outcome outcome) {
          if (!outcome.score) steps_.drop(trial);  // one at a time: trials share its record
          outcome.seconds = seconds();
          turns.add(outcome, [&](const trial_outcome& found) {
            if constexpr (ProcessGroup::is_alone)
              add(found);
            else
              outcomes.push_back(found);
          });
        });
    if constexpr (!ProcessGroup::is_alone)
      for (const auto& found : process_group_.exchanged(course_.round(), outcomes)) add(found);
  }

  /// Trains and evaluates one trial. A trial that diverges has failed; any other error ends the
  /// search.
  [[nodiscard]] trial_outcome train(std::int64_t trial)
  {
    trial_outcome outcome{.trial = trial};
    try {
      outcome.score =
          naming_trial(trial, *course_.trial_states()[static_cast<std::size_t>(trial)].at,
                       [&] { return score_of(trial, *steps_[trial]); });
    } catch (const diverged& why) {
      outcome.reason = without_library_name(why.what());
      return outcome;
    }
    folder_.keep({trial, course_.round()}, [&] { return snapshot_of(*steps_[trial]); });
    return outcome;
  }
  [[nodiscard]] double score_of(std::int64_t trial, Step& step)
  {
    fit(step, data_,
        {.epochs = options_.epochs,
         .batch_size = options_.batch_size,
         .seed = steps_.seed_of(trial).split(purpose{"order"}),
         .from = course_.trial_states()[static_cast<std::size_t>(trial)].epoch,
         .until = course_.end_of_round(trial)});
    // View memory is reused from step to step; it is released while other trials train.
    if constexpr (requires { step.learner_state.buffers() = buffer_pool{}; })
      step.learner_state.buffers() = buffer_pool{};
    const auto score = static_cast<double>(metric_(std::as_const(step)));
    if (!std::isfinite(score))
      diverge("metric", "the score after ", course_.end_of_round(trial), " epochs is ",
              without_sign_of_nan(score));
    return score;
  }
  void add(const trial_outcome& found)
  {
    course_.end_round_of(found);
    note(course_.history().events.back());
  }

  /// Trials in the training order of the options.
  [[nodiscard]] std::vector<std::int64_t> ordered(std::vector<std::int64_t> trials) const
  {
    if (options_.order.empty()) return trials;
    std::vector<std::int64_t> sorted;
    for (const auto i : options_.order)
      if (std::find(trials.begin(), trials.end(), i) != trials.end()) sorted.push_back(i);
    return sorted;
  }

  const Strategy& strategy_;
  const Metric& metric_;
  batch_source_reference data_;
  const search_run_options& options_;
  ProcessGroup& process_group_;
  const Tell& tell_;
  search_course course_;
  trial_steps<Factory, Step> steps_;
  search_folder folder_;
  std::vector<search::search_event> record_;  // as recorded in the folder
  clock::time_point began_ = clock::now();
  double seconds_before_ = 0.0;
};

}  // namespace rolewise::detail
