// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/played_search.hpp"
#include "support/sanitized.hpp"

#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/policy/policy_log.hpp>
#include <rolewise/policy/searched_schedule.hpp>
#include <rolewise/search/joined.hpp>
#include <rolewise/search/policy_history.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/population_based.hpp>
#include <rolewise/search/population_based_asynchronous.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/ready_spaces.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

using namespace rolewise;
using rolewise::tests::played;

namespace {

const search::search_space space =
    joined(search::learning_rate_space(), search::policy_space("student."));

/// Scores that persist, rise with the policy's first magnitude, and have noise.
double train(double skill, const search::configuration& at, std::int64_t trial, std::int64_t round)
{
  const draws drawn{seed{3}, round, trial};
  return skill + 0.01 * static_cast<double>(search::policy_at(at, "student.").magnitude(0)) +
         0.1 * drawn.uniform(0);
}

std::string refusal(const std::function<void()>& f)
{
  try {
    f();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

augmentation_policy rotating(std::int64_t level)
{
  std::vector<std::int64_t> levels(60);
  levels[0] = level;
  return augmentation_policy{levels};
}

/// A search history of four trials over policies alone, built by hand.
struct told {
  search::search_history history{"by-hand", search::policy_space(), 4, 12, 3, seed{1}, {}};

  void start(std::int64_t trial, std::int64_t level)
  {
    history.events.push_back({.trial = trial, .at = search::configuration_of(rotating(level))});
  }
  void copy(std::int64_t round, std::int64_t trial, std::int64_t from, std::int64_t from_epoch,
            std::int64_t level)
  {
    history.events.push_back({.what = search::search_event::kind::copied,
                              .round = round,
                              .trial = trial,
                              .epoch = 3 * round,
                              .from = from,
                              .from_epoch = from_epoch,
                              .at = search::configuration_of(rotating(level))});
  }
  void score(std::int64_t round, std::int64_t trial, std::int64_t epoch)
  {
    history.events.push_back({.what = search::search_event::kind::scored,
                              .round = round,
                              .trial = trial,
                              .epoch = epoch,
                              .score = 0.5});
  }
  void score_all(std::int64_t round)
  {
    for (std::int64_t trial = 0; trial < 4; ++trial) score(round, trial, 3 * (round + 1));
  }
};

/// The epochs of each segment and the level of its first rotation.
std::vector<std::pair<std::int64_t, std::int64_t>> levels_of(
    const std::vector<search_segment>& segments)
{
  std::vector<std::pair<std::int64_t, std::int64_t>> levels;
  for (const auto& segment : segments)
    levels.emplace_back(segment.epochs, segment.policy.probability(0));
  return levels;
}

using levels = std::vector<std::pair<std::int64_t, std::int64_t>>;

/// Checks that the schedules of a history equal those read back from its logs as text.
/// @return how many trials' logs begin with stale lines
template<typename Strategy, typename Train>
std::size_t stale_logs_and_equal_schedules(const Strategy& strategy, const Train& train_one,
                                           const tests::play& how)
{
  const auto history = played(strategy, space, train_one, how);
  const auto events = search::exploit_events(history, "student.");
  const auto text = policy_log_text(events, log_dialect::json);
  const auto global = parse_policy_log(text);
  CHECK(global == events);
  const auto logs = search::logs_of_trials(global);
  std::int64_t copies = 0;
  for (const auto& event : history.events)
    copies += event.what == search::search_event::kind::copied ? 1 : 0;
  CHECK(static_cast<std::int64_t>(events.size()) == copies);
  CHECK(copies > how.epochs / 3);
  std::size_t with_stale_lines = 0;
  for (std::int64_t trial = 0; trial < 16; ++trial) {
    const auto segments = search_segments(history, trial, "student.");
    std::int64_t epochs = 0;
    for (const auto& segment : segments) epochs += segment.epochs;
    CHECK(epochs == how.epochs);
    CHECK(search::schedule_of(history, trial, "student.") == stretched(segments, how.epochs));
    CHECK(search_segments(lineage_of(global, trial), how.epochs) == segments);
    if (!logs.contains(trial)) {
      CHECK(segments == std::vector<search_segment>{{how.epochs, {}}});
      continue;
    }
    const auto own = parse_policy_log(policy_log_text(logs.at(trial), log_dialect::python));
    const auto kept = without_stale_events(own);
    with_stale_lines += kept.size() < own.size() ? 1U : 0U;
    CHECK(search_segments(kept, how.epochs) == segments);
  }
  return with_stale_lines;
}

}  // namespace

TEST_CASE("a history and the logs written of it give each trial the same schedule")
{
  const auto zeros = search::configuration_of(augmentation_policy{}, "student.");
  // With purely random scores, replaced trials copy others that were never replaced.
  const auto luck = [](double, const search::configuration&, std::int64_t trial,
                       std::int64_t round) { return draws{seed{4}, round, trial}.uniform(0); };
  std::size_t stale = 0;
  const auto compare = [&](const auto& strategy, std::uint64_t search) {
    if (search < tests::repetitions(4U, 1U))
      (void)stale_logs_and_equal_schedules(strategy, train,
                                           {.trials = 16, .epochs = 80, .seed = seed{search}});
    stale += stale_logs_and_equal_schedules(strategy, luck,
                                            {.trials = 16, .epochs = 15, .seed = seed{search}});
  };
  for (std::uint64_t search = 0; search < 4; ++search) {
    compare(search::population_based{.first = zeros}, search);
    compare(search::population_based_asynchronous{.first = zeros}, search);
    compare(search::population_based_asynchronous{.first = zeros, .delay = fraction{0.0}}, search);
  }
  CHECK(stale > 5);
}

TEST_CASE("a schedule walks back the copies to the policy that the first ancestor began with")
{
  told story;
  for (std::int64_t trial = 0; trial < 4; ++trial) story.start(trial, trial);
  story.score_all(0);
  story.copy(1, 3, 0, 3, 5);  // trial 3 copies trial 0 at epoch 3
  story.score_all(1);
  story.copy(2, 0, 1, 6, 6);  // trial 0 copies trial 1
  story.copy(2, 2, 3, 6, 7);  // trial 2 copies trial 3 at epoch 6
  story.score_all(2);
  story.score_all(3);
  const auto& history = story.history;
  CHECK(levels_of(search_segments(history, 0)) == levels{{6, 1}, {6, 6}});
  CHECK(levels_of(search_segments(history, 1)) == levels{{12, 1}});
  CHECK(levels_of(search_segments(history, 2)) == levels{{3, 0}, {3, 5}, {6, 7}});
  CHECK(levels_of(search_segments(history, 3)) == levels{{3, 0}, {9, 5}});
  CHECK(search::schedule_of(history, 1) == policy_schedule{rotating(1)});
  CHECK(search::schedule_of(history, 2) ==
        policy_schedule{
            std::vector<policy_segment>{{0, rotating(0)}, {3, rotating(5)}, {6, rotating(7)}}});

  const auto events = search::exploit_events(history);
  REQUIRE(events.size() == 3);
  CHECK(events[0] == exploit_event{3, 0, 3, 3, rotating(0), rotating(5)});
  CHECK(events[1] == exploit_event{0, 1, 6, 6, rotating(1), rotating(6)});
  CHECK(events[2] == exploit_event{2, 3, 6, 6, rotating(5), rotating(7)});
  const auto logs = search::logs_of_trials(events);
  CHECK(logs.size() == 3);
  CHECK(logs.at(0) == std::vector{events[1]});
  CHECK(logs.at(2) == std::vector{events[0], events[2]});
}

TEST_CASE("copies of what a trial was are written before the trial is replaced")
{
  told story;
  for (std::int64_t trial = 0; trial < 4; ++trial) story.start(trial, trial);
  story.score_all(0);
  story.score_all(1);
  story.copy(2, 0, 1, 6, 5);  // trial 0 is replaced
  story.copy(2, 3, 0, 6, 6);  // trial 3 copies trial 0 as it was before
  story.copy(2, 2, 0, 3, 7);  // trial 2 copies trial 0 as it was one round earlier
  for (const std::int64_t trial : {0, 1, 3}) story.score(2, trial, 9);
  story.score(2, 2, 6);
  const auto events = search::exploit_events(story.history);
  REQUIRE(events.size() == 3);
  CHECK(events[0] == exploit_event{3, 0, 6, 6, rotating(0), rotating(6)});
  CHECK(events[1] == exploit_event{2, 0, 6, 3, rotating(0), rotating(7)});
  CHECK(events[2].target == 0);
  for (std::int64_t trial = 0; trial < 4; ++trial)
    if (trial != 1)
      CHECK(search_segments(lineage_of(events, trial), trial == 2 ? 6 : 9) ==
            search_segments(story.history, trial));
  CHECK(levels_of(search_segments(story.history, 2)) == levels{{3, 0}, {3, 7}});

  story.score(3, 2, 9);
  story.copy(4, 0, 1, 9, 1);
  story.copy(4, 1, 0, 9, 2);
  CHECK(levels_of(search_segments(story.history, 1)) == levels{{6, 1}, {3, 5}, {0, 2}});
  CHECK(refusal([&] { (void)search::exploit_events(story.history); }) ==
        "rolewise: exploit_events: trials 0 and 1 copy each other at one evaluation, which no log "
        "can say");
}

TEST_CASE("a copy of what a trial was before its last replacement is written before that")
{
  told story;
  for (std::int64_t trial = 0; trial < 4; ++trial) story.start(trial, trial);
  story.score_all(0);
  story.copy(1, 0, 1, 3, 5);
  story.score_all(1);
  story.copy(2, 2, 0, 3, 6);  // trial 0 as it was just before its replacement
  for (const std::int64_t trial : {0, 1, 3}) story.score(2, trial, 9);
  story.score(2, 2, 6);
  CHECK(levels_of(search_segments(story.history, 2)) == levels{{3, 0}, {3, 6}});
  CHECK(levels_of(search_segments(story.history, 0)) == levels{{3, 1}, {6, 5}});
  const auto events = search::exploit_events(story.history);
  REQUIRE(events.size() == 2);
  CHECK(events[0].target == 2);
  CHECK(search_segments(lineage_of(events, 2), 6) == search_segments(story.history, 2));
  CHECK(search_segments(lineage_of(events, 0), 9) == search_segments(story.history, 0));
}

TEST_CASE("what has no policy or no copies is told apart")
{
  const auto random =
      played(search::random_search{}, space, train, {.trials = 3, .epochs = 6, .seed = seed{2}});
  CHECK(search::exploit_events(random, "student.").empty());
  const auto segments = search_segments(random, 1, "student.");
  REQUIRE(segments.size() == 1);
  CHECK(segments[0].epochs == 6);
  CHECK(segments[0].policy == search::policy_at(*random.events[1].at, "student."));
  CHECK(search::write_policy_logs("/nowhere", random, "student.").empty());
  CHECK(refusal([&] { (void)search::schedule_of(random, 1, "teacher."); }) ==
        "rolewise: policy_at: the configuration has no 'teacher.Rotate.1.probability', want an "
        "integer 0 .. 10");
  CHECK(refusal([&] { (void)search::schedule_of(random, 3, "student."); }) ==
        "rolewise: search_lineage: want a trial of 0 to 3 - 1, got 3");
  told story;
  story.start(0, 1);
  story.score(0, 0, 3);
  CHECK(refusal([&] { (void)search_segments(story.history, 1); }) ==
        "rolewise: search_segments: trial 1 never started");
}

TEST_CASE("logs are files that readers of the published ones take")
{
  const auto folder =
      (std::filesystem::temp_directory_path() / ("rolewise-logs-" + std::to_string(::getpid())))
          .string();
  std::filesystem::create_directory(folder);
  const auto history = played(search::population_based{.first = search::configuration_of(
                                                           augmentation_policy{}, "student.")},
                              space, train, {.trials = 16, .epochs = 30, .seed = seed{4}});
  // [logs]
  const auto names = search::write_policy_logs(folder, history, "student.");  // pbt_global.txt, ...
  const auto log = read_policy_log(folder + "/pbt_global.txt");
  const auto from_log = stretched(search_segments(lineage_of(log, 5), 30), 200);
  const auto direct = stretched(search_segments(history, 5, "student."), 200);  // the same
  // [/logs]
  CHECK(from_log == direct);
  const auto logs = search::logs_of_trials(log);
  REQUIRE(names.size() == 1 + logs.size());
  CHECK(names[0] == "pbt_global.txt");
  for (const auto& [trial, events] : logs) {
    const auto name = "pbt_policy_" + std::to_string(trial) + ".txt";
    CHECK(std::ranges::count(names, name) == 1);
    CHECK(read_policy_log(folder + "/" + name) == events);
  }
  std::filesystem::remove_all(folder);
}
