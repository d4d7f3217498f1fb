// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `simulate`: a simulated search without training. The state of a trial is one number, its score.

#include <rolewise/search/search_strategy.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <variant>
#include <vector>

namespace rolewise::tests {

struct simulation {
  std::vector<search::trial_state> trial_states;              ///< at the end, by trial
  std::vector<std::vector<search::trial_state>> evaluations;  ///< before each call of the strategy
  std::vector<std::vector<search::decision>> decisions;       ///< of each call
  std::int64_t epochs = 0;                                    ///< trained, of all trials together

  /// The highest score of any trial in any round.
  [[nodiscard]] double best() const
  {
    double found = -1e300;
    for (const auto& s : trial_states)
      for (const auto& got : s.past) found = std::max(found, got.score);
    return found;
  }

  /// The number of trials that were trained for at least `epoch` epochs.
  [[nodiscard]] std::int64_t reached(std::int64_t epoch) const
  {
    return std::count_if(trial_states.begin(), trial_states.end(),
                         [&](const search::trial_state& s) { return s.epoch >= epoch; });
  }
};

struct simulation_options {
  std::int64_t trials = 8;
  std::int64_t epochs = 9;  ///< of each trial
  std::int64_t evaluation_interval = 1;
  rolewise::seed seed{1};
};

/// @param learn `(configuration, epoch, learned)` returns the state of the trial after this epoch
template<search::SearchStrategy S, typename Learn>
[[nodiscard]] simulation simulate(const S& strategy, const search::search_space& space,
                                  const Learn& learn, const simulation_options& options)
{
  simulation run;
  std::vector<double> learned(static_cast<std::size_t>(options.trials), 0.0);
  auto& trial_states = run.trial_states;
  for (std::int64_t t = 0; t < options.trials; ++t) trial_states.push_back({.trial = t});
  const auto has_finished = [](const search::trial_state& s) { return s.finished; };
  while (!std::all_of(trial_states.begin(), trial_states.end(), has_finished)) {
    if (run.evaluations.size() > 10000) throw std::runtime_error{"the search does not end"};
    run.evaluations.push_back(trial_states);
    run.decisions.push_back(strategy(space, trial_states, options.seed));
    const auto& before = run.evaluations.back();
    const auto known = learned;
    for (const auto& made : run.decisions.back()) {
      const auto i = static_cast<std::size_t>(trial_of(made));
      if (const auto* started = std::get_if<search::start_trial>(&made)) {
        trial_states[i].at = started->at;
      } else if (const auto* copied = std::get_if<search::exploit_trial>(&made)) {
        const auto from = static_cast<std::size_t>(copied->from);
        trial_states[i].at = copied->at;
        trial_states[i].score = before[from].score;
        learned[i] = known[from];
      } else if (std::holds_alternative<search::stop_trial>(made)) {
        trial_states[i].finished = true;
      }
    }
    for (std::size_t i = 0; i < trial_states.size(); ++i) {
      auto& s = trial_states[i];
      if (s.finished || !s.at) continue;
      for (std::int64_t e = 0; e < options.evaluation_interval && s.epoch < options.epochs; ++e) {
        learned[i] = learn(*s.at, s.epoch++, learned[i]);
        ++run.epochs;
      }
      s.score = learned[i];
      s.past.push_back({s.epoch, *s.score, *s.at});
      s.finished = s.epoch == options.epochs;
    }
  }
  return run;
}

}  // namespace rolewise::tests
