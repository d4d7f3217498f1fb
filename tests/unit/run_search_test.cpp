// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "support/tiny_student.hpp"

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/teacher/shared_teacher.hpp>
#include <rolewise/train/detail/copy_trial_state.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/ema.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/learning_rate_schedule.hpp>
#include <rolewise/train/run_search.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/supervised.hpp>
#include <rolewise/train/trial_table.hpp>

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace rolewise;
using rolewise::testing::same_tensors;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

namespace {

const search::search_space rates{
    {"rate", search::real_interval{1e-3, 1.0, search::spacing::logarithmic}}};

search::configuration rate(double x) { return search::configuration{}.set("rate", x); }

auto step_at(const dataset& data, const search::configuration& at, seed own)
{
  return supervised{.student = tiny_student{data.shape, own.split(purpose{"weights"})},
                    .optimizer = sgd{.learning_rate = at.real("rate")},
                    .lr_schedule = constant_lr{},
                    .ema = ema{},
                    .seed = own};
}

struct maker {
  const dataset& data;
  auto operator()(const search::configuration& at, std::int64_t, seed own) const
  {
    return step_at(data, at, own);
  }
};

/// A factory that also moves an existing step to a new configuration.
struct mover : maker {
  using maker::operator();
  int* moved;
  template<typename Step>
  void operator()(Step& step, const search::configuration& at, std::int64_t, seed own) const
  {
    step.optimizer.learning_rate = at.real("rate");
    step.seed = own;
    ++*moved;
  }
};

/// A strategy that returns the decisions of a function.
struct scripted {
  static constexpr std::string_view name = "scripted";
  std::function<std::vector<search::decision>(const std::vector<search::trial_state>&)> script;
  [[nodiscard]] std::vector<search::decision> operator()(
      const search::search_space&, const std::vector<search::trial_state>& trial_states, seed) const
  {
    return script(trial_states);
  }
};

struct scripted_reading_history : scripted {
  static constexpr bool reads_history = true;
};

/// A strategy that applies `one` to every trial that has not finished.
scripted each(std::function<search::decision(const std::vector<search::trial_state>&,
                                             const search::trial_state&)>
                  one)
{
  return {[one = std::move(one)](const std::vector<search::trial_state>& all) {
    std::vector<search::decision> decisions;
    for (const auto& s : all)
      if (!s.finished) decisions.push_back(one(all, s));
    return decisions;
  }};
}

double rate_of(const auto& step) { return step.optimizer.learning_rate; }

seed own_seed(std::uint64_t trial, seed search = seed{0})
{
  return search.split(purpose{"trial"}).split(trial);
}

/// Trains a step from epoch `from` to `until`, with the batch order of a trial.
void train_by_hand(auto& step, const dataset& data, std::uint64_t trial, std::int64_t from,
                   std::int64_t until, std::int64_t epochs)
{
  (void)fit(step, data,
            {.epochs = epochs,
             .batch_size = 20,
             .seed = own_seed(trial).split(purpose{"order"}),
             .from = from,
             .until = until});
}

}  // namespace

TEST_CASE("the result of run_search depends neither on order nor on concurrent trials")
{
  const auto train = tiny_data(60), validation = tiny_data(60, seed{5});
  const auto metric = [&](const auto& step) { return accuracy(step.evaluated(), validation); };
  const auto run = [&](std::vector<std::int64_t> order, std::int64_t max_concurrent_trials = 1,
                       std::int64_t threads = 1) {
    return run_search(search::random_search{}, rates, maker{train}, metric, train,
                      {.trials = 4,
                       .epochs = 3,
                       .evaluation_interval = 2,
                       .batch_size = 20,
                       .seed = seed{6},
                       .order = std::move(order),
                       .max_concurrent_trials = max_concurrent_trials,
                       .threads_per_trial = threads});
  };
  const auto threads_before = at::get_num_threads();
  auto found = run({});
  REQUIRE(found.trial_states.size() == 4);
  for (const auto& s : found.trial_states) {
    CHECK(s.epoch == 3);
    CHECK(s.finished);
    CHECK(found.best().score.value() >= s.score.value());
    REQUIRE(s.past.size() == 2);
    CHECK(s.past[0].epoch == 2);
    CHECK((s.past[1] == search::past_score{3, *s.score, *s.at}));
  }
  const auto& history = found.history;
  CHECK(history.strategy == "random-search");
  CHECK((history.space == rates));
  CHECK(history.trials == 4);
  CHECK(history.epochs == 3);
  CHECK(history.evaluation_interval == 2);
  CHECK((history.seed == seed{6}));
  REQUIRE(history.events.size() == 12);
  for (std::size_t i = 0; i < 12; ++i) {
    const auto& event = history.events[i];
    CHECK(event.what ==
          (i < 4 ? search::search_event::kind::started : search::search_event::kind::scored));
    CHECK(event.trial == static_cast<std::int64_t>(i % 4));
    CHECK(event.round == (i < 8 ? 0 : 1));
    CHECK(event.epoch == (i < 4 ? 0 : i < 8 ? 2 : 3));
    CHECK(event.seconds >= 0.0);
  }
  for (auto& other : {run({2, 0, 3, 1}), run({}, 2), run({3, 2, 1, 0}, 4), run({}, 9)}) {
    CHECK((other.trial_states == found.trial_states));
    CHECK((other.history == found.history));
    for (std::size_t i = 0; i < 4; ++i) {
      auto step = *other.steps[i];
      CHECK(same_tensors(step, *found.steps[i]));
    }
  }
  CHECK(at::get_num_threads() == threads_before);
  CHECK_THROWS_WITH_AS((void)run({0, 1, 1, 2}),
                       "rolewise: run_search: want each of the 4 trials once in order, got 0 1 1 2",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)run({}, 0),
                       "rolewise: run_search: want max_concurrent_trials >= 1 and "
                       "threads_per_trial from 0 to 4096, got 0 "
                       "and 1",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)run_search(search::random_search{}, search::search_space{},
                                        maker{train}, metric, train, {}),
                       "rolewise: run_search: the space is empty: there is nothing to search",
                       std::invalid_argument);
  for (const std::int64_t max_concurrent_trials : {1, 3})
    CHECK_THROWS_WITH_AS(
        (void)run_search(search::random_search{}, rates, maker{train},
                         [](const auto&) { return std::nan(""); }, train,
                         {.trials = 3, .max_concurrent_trials = max_concurrent_trials}),
        doctest::Contains("rolewise: run_search: all trials have failed: trial 0 ("),
        std::runtime_error);
}

TEST_CASE("each trial has its own number of threads inside, the same for any number at once")
{
  const auto train = tiny_data(20);
  const auto threads_seen = [&](std::int64_t max_concurrent_trials, std::int64_t each) {
    const auto found = run_search(
        search::random_search{}, rates, maker{train},
        [](const auto&) { return static_cast<double>(at::get_num_threads()); }, train,
        {.trials = 3, .max_concurrent_trials = max_concurrent_trials, .threads_per_trial = each});
    for (const auto& s : found.trial_states) CHECK(s.score == found.trial_states[0].score);
    return *found.trial_states[0].score;
  };
  const auto before = at::get_num_threads();
  at::set_num_threads(2);
  for (const std::int64_t max_concurrent_trials : {1, 2, 3}) {
    CHECK(threads_seen(max_concurrent_trials, 1) == 1.0);
    CHECK(threads_seen(max_concurrent_trials, 0) == 2.0);
    CHECK(at::get_num_threads() == 2);
  }
  at::set_num_threads(before);
}

TEST_CASE("run_search copies trials as they were before any decision, all of their state")
{
  const auto train = tiny_data(40);
  // Trials 0 and 1 copy each other in the same round, so a copy of a copy would be detected.
  const scripted swapping{
      [](const std::vector<search::trial_state>& all) -> std::vector<search::decision> {
        if (!all[0].at)
          return {search::start_trial{0, rate(0.1)}, search::start_trial{1, rate(0.2)},
                  search::start_trial{2, rate(0.3), 1}};
        return {search::exploit_trial{0, 1, rate(0.01)}, search::exploit_trial{1, 0, rate(0.02)},
                search::stop_trial{2}};
      }};
  int moved = 0;
  const auto run = [&](const auto& factory) {
    return run_search(swapping, rates, factory, [](const auto& step) { return rate_of(step); },
                      train, {.trials = 3, .epochs = 2, .batch_size = 20});
  };
  const auto found = run(maker{train});
  CHECK(found.trial_states[0].at->real("rate") == 0.02);
  CHECK(found.trial_states[1].at->real("rate") == 0.01);
  CHECK((found.trial_states[1].past ==
         std::vector<rolewise::search::past_score>{{1, 0.2, rate(0.2)}, {2, 0.01, rate(0.01)}}));
  CHECK(found.trial_states[2].epoch == 1);
  CHECK(found.trial_states[2].finished);
  CHECK(found.steps[1]->learner_state.updates() == 4);

  using kind = search::search_event::kind;
  const std::vector<search::search_event> events{
      {.what = kind::started, .round = 0, .trial = 0, .at = rate(0.1)},
      {.what = kind::started, .round = 0, .trial = 1, .at = rate(0.2)},
      {.what = kind::started, .round = 0, .trial = 2, .from = 1, .at = rate(0.3)},
      {.what = kind::scored, .round = 0, .trial = 0, .epoch = 1, .score = 0.1},
      {.what = kind::scored, .round = 0, .trial = 1, .epoch = 1, .score = 0.2},
      {.what = kind::scored, .round = 0, .trial = 2, .epoch = 1, .score = 0.3},
      {.what = kind::copied,
       .round = 1,
       .trial = 0,
       .epoch = 1,
       .from = 1,
       .from_epoch = 1,
       .at = rate(0.02)},
      {.what = kind::copied,
       .round = 1,
       .trial = 1,
       .epoch = 1,
       .from = 0,
       .from_epoch = 1,
       .at = rate(0.01)},
      {.what = kind::stopped, .round = 1, .trial = 2, .epoch = 1},
      {.what = kind::scored, .round = 1, .trial = 0, .epoch = 2, .score = 0.02},
      {.what = kind::scored, .round = 1, .trial = 1, .epoch = 2, .score = 0.01}};
  CHECK((found.history.events == events));

  // Reference: in the second epoch, trial 1 continues from trial 0 after the first, with its own
  // batch order and learning rate.
  auto by_hand = step_at(train, rate(0.1), own_seed(0));
  train_by_hand(by_hand, train, 0, 0, 1, 2);
  by_hand.optimizer.learning_rate = 0.01;
  train_by_hand(by_hand, train, 1, 1, 2, 2);
  auto taken = *found.steps[1];
  CHECK(same_tensors(by_hand, taken));

  // A factory that moves existing steps gives the same result.
  const auto with_moves = run(mover{{train}, &moved});
  CHECK(moved == 2);
  CHECK((with_moves.history == found.history));
  for (std::size_t i = 0; i < 3; ++i) {
    auto a = *found.steps[i], b = *with_moves.steps[i];
    CHECK(same_tensors(a, b));
  }
}

TEST_CASE("a strategy may copy trials as they were one evaluation ago")
{
  const auto train = tiny_data(40);
  // After the second round, trial 1 copies trial 0 as it was after the first. In the same round
  // of decisions trial 0 becomes a copy of trial 1, which must not affect the first copy.
  const auto script =
      [](const std::vector<search::trial_state>& all) -> std::vector<search::decision> {
    if (!all[0].at) return {search::start_trial{0, rate(0.1)}, search::start_trial{1, rate(0.2)}};
    if (all[0].past.size() == 2)
      return {search::exploit_trial{1, 0, rate(0.5)}, search::exploit_trial{0, 1, rate(0.02), 1}};
    std::vector<search::decision> decisions;
    for (const auto& s : all)
      if (!s.finished) decisions.emplace_back(search::keep_trial{s.trial});
    return decisions;
  };
  int moved = 0;
  const auto run = [&](const auto& strategy, const auto& factory) {
    return run_search(strategy, rates, factory, [](const auto& step) { return rate_of(step); },
                      train, {.trials = 2, .epochs = 3, .batch_size = 20});
  };
  const auto found = run(scripted_reading_history{{script}}, maker{train});
  CHECK(found.trial_states[0].epoch == 3);
  CHECK(found.trial_states[1].epoch == 3);
  CHECK(found.trial_states[1].past.size() == 4);  // epochs 1, 2, 2, 3
  CHECK(found.steps[1]->learner_state.updates() == 6);
  const auto copied = found.history.events.at(7);
  CHECK(copied.what == search::search_event::kind::copied);
  CHECK(copied.epoch == 2);
  CHECK(copied.from_epoch == 1);

  auto by_hand = step_at(train, rate(0.1), own_seed(0));
  train_by_hand(by_hand, train, 0, 0, 1, 3);
  by_hand.optimizer.learning_rate = 0.02;
  train_by_hand(by_hand, train, 1, 1, 2, 3);
  train_by_hand(by_hand, train, 1, 2, 3, 3);
  auto taken = *found.steps[1];
  CHECK(same_tensors(by_hand, taken));
  auto other = step_at(train, rate(0.2), own_seed(1));
  train_by_hand(other, train, 1, 0, 2, 3);
  other.optimizer.learning_rate = 0.5;
  train_by_hand(other, train, 0, 2, 3, 3);
  auto first = *found.steps[0];
  CHECK(same_tensors(other, first));
  CHECK((run(scripted_reading_history{{script}}, mover{{train}, &moved}).history == found.history));
  CHECK(moved == 2);

  CHECK_THROWS_WITH_AS(
      (void)run(scripted{script}, maker{train}),
      "rolewise: strategy 'scripted': copies trial 0 as it was 1 evaluations ago; want "
      "0, as it does not say reads_history",
      std::invalid_argument);
}

TEST_CASE("trials wait until they are started, and a copy of a finished one is scored")
{
  const auto train = tiny_data(40);
  // Trial 1 waits for trial 0; when that has finished, trial 1 starts, and then copies trial 0.
  const auto strategy =
      each([](const auto& all, const search::trial_state& s) -> rolewise::search::decision {
        if (s.trial == 0) {
          if (s.at) return search::keep_trial{0};
          return search::start_trial{0, rate(0.1)};
        }
        if (!all[0].finished) return search::keep_trial{1};
        if (!s.at) return search::start_trial{1, rate(0.2), 0};
        return search::exploit_trial{0, 1, rate(0.3)};
      });
  const auto found =
      run_search(strategy, rates, maker{train}, [](const auto& step) { return rate_of(step); },
                 train, {.trials = 2, .epochs = 3, .evaluation_interval = 2, .batch_size = 20});
  CHECK((found.trial_states[0].past ==
         std::vector<rolewise::search::past_score>{{2, 0.1, rate(0.1)}, {3, 0.1, rate(0.1)}}));
  CHECK((found.trial_states[1].past ==
         std::vector<rolewise::search::past_score>{{2, 0.2, rate(0.2)}, {3, 0.3, rate(0.3)}}));
  CHECK(found.history.events.back().round == 3);
  CHECK(found.steps[1]->learner_state.updates() == 6);
  auto a = found.steps[0]->student, b = found.steps[1]->student;
  CHECK(same_tensors(a, b));
}

TEST_CASE("decisions that make no sense are refused by name")
{
  const auto train = tiny_data(20);
  const auto run = [&](auto script) {
    (void)run_search(scripted{script}, rates, maker{train}, [](const auto&) { return 1.0; }, train,
                     {.trials = 2, .epochs = 2, .batch_size = 20});
  };
  using decisions = std::vector<search::decision>;
  const auto always = [](decisions made) {
    return [made](const std::vector<search::trial_state>&) { return made; };
  };
  const auto then = [](decisions made) {
    return [made](const std::vector<search::trial_state>& all) {
      return all[0].at ? made : decisions{search::start_trial{0, rate(0.1)}, search::keep_trial{1}};
    };
  };
  const auto refuses = [&](const char* words, const auto& script) {
    CHECK_THROWS_WITH_AS(run(script),
                         (std::string{"rolewise: strategy 'scripted': "} + words).c_str(),
                         std::invalid_argument);
  };
  refuses("leaves trials waiting and none training",
          always({search::keep_trial{0}, search::stop_trial{1}}));
  refuses("made 0 decisions on trial 1, which has not finished; want 1",
          always({search::start_trial{0, rate(0.1)}}));
  refuses(
      "made 2 decisions on trial 0, which has not finished; want 1",
      always({search::start_trial{0, rate(0.1)}, search::stop_trial{0}, search::stop_trial{1}}));
  refuses("decided on trial 2, there are 2", always({search::start_trial{2, rate(0.1)}}));
  refuses("sends trial 1 to a configuration outside of the space",
          always({search::stop_trial{0}, search::start_trial{1, rate(2.0)}}));
  refuses("starts trial 0, which has started",
          then({search::start_trial{0, rate(0.1)}, search::keep_trial{1}}));
  refuses("copies to trial 1, which has not started",
          then({search::keep_trial{0}, search::exploit_trial{0, 1, rate(0.1)}}));
  refuses("copies trial 1, which had not started",
          then({search::exploit_trial{1, 0, rate(0.1)}, search::keep_trial{1}}));
  refuses("decided on trial 7, there are 2",
          then({search::exploit_trial{7, 0, rate(0.1)}, search::keep_trial{1}}));
  refuses("sends trial 0 to a configuration outside of the space",
          then({search::exploit_trial{0, 0, search::configuration{}}, search::keep_trial{1}}));

  const auto stopped =
      run_search(scripted{always({search::stop_trial{0}, search::stop_trial{1}})}, rates,
                 maker{train}, [](const auto&) { return 1.0; }, train, {.trials = 2});
  CHECK_THROWS_WITH_AS((void)stopped.best(), "rolewise: run_search: no trial has a score",
                       std::invalid_argument);
}

TEST_CASE("state is taken over in memory, and only by parts of the same make")
{
  const auto data = tiny_data(20);
  auto a = step_at(data, rate(0.1), seed{1}), b = step_at(data, rate(0.1), seed{2});
  (void)fit(a, data, {.batch_size = 10});
  const auto* memory = b.student.parameters()[0].value.const_data_ptr();
  const auto writes = b.student.parameters()[0].value._version();
  rolewise::detail::copy_trial_state(b, a, "test");
  CHECK(same_tensors(a, b));
  CHECK(b.learner_state.updates() == 2);
  CHECK(b.student.all_outputs() == 2);
  CHECK(b.student.parameters()[0].value.const_data_ptr() == memory);
  CHECK(b.student.parameters()[0].value._version() > writes);
  CHECK(b.student.parameters()[0].value.requires_grad());

  snapshot kept;
  rolewise::detail::keep_apart(kept, snapshot_of(a));
  const auto* kept_at = std::get<torch::Tensor>(kept[0].value).const_data_ptr();
  (void)fit(a, data, {.batch_size = 10, .seed = seed{3}});
  CHECK_FALSE(same_tensors(a, b));
  rolewise::detail::copy_trial_state(a, kept, "test");
  CHECK(same_tensors(a, b));
  (void)fit(b, data, {.batch_size = 10, .seed = seed{3}});
  rolewise::detail::keep_apart(kept, snapshot_of(b));
  CHECK(std::get<torch::Tensor>(kept[0].value).const_data_ptr() == kept_at);
  rolewise::detail::copy_trial_state(a, kept, "test");
  CHECK(same_tensors(a, b));

  // A tensor of another memory layout is copied by values.
  torch::Tensor wide = torch::arange(24, torch::kFloat32).view({1, 2, 3, 4}),
                turned = torch::zeros({1, 2, 3, 4}).contiguous(torch::MemoryFormat::ChannelsLast);
  rolewise::detail::copy_bytes_or_values(turned, wide);
  CHECK(torch::equal(turned, wide));

  tiny_student larger{data.shape, seed{1}, 7}, smaller{data.shape, seed{1}};
  auto before = smaller;
  const auto words =
      "rolewise: copy of a trial: belongs to something else: 'first' has the shape [7, 9], wanted "
      "[6, 9]; 'bias' has the shape [7], wanted [6]; 'second' has the shape [3, 7], wanted [3, 6]";
  CHECK_THROWS_WITH_AS(rolewise::detail::copy_trial_state(smaller, larger, "copy of a trial"),
                       words, std::runtime_error);
  CHECK_THROWS_WITH_AS(
      rolewise::detail::copy_trial_state(smaller, snapshot_of(larger), "copy of a trial"), words,
      std::runtime_error);
  CHECK(same_tensors(before, smaller));
}

TEST_CASE("a shared teacher is one for all copies and all trials")
{
  const auto data = tiny_data(50);
  tiny_student master{data.shape, seed{3}, 100};
  const shared_teacher one{frozen(master)};
  const auto copy = one;
  CHECK(&copy.teacher() == &one.teacher());
  CHECK(copy.fingerprint() == frozen(master).fingerprint());
  CHECK(torch::equal(copy.forward(data.examples()).logits,
                     frozen(master).forward(data.examples()).logits));

  const auto factory = [&](const auto& teacher) {
    return [&](const search::configuration& at, std::int64_t, seed own) {
      return distillation{.teacher = teacher,
                          .student = tiny_student{data.shape, own},
                          .loss = soft_target_kl{},
                          .optimizer = sgd{.learning_rate = at.real("rate")}};
    };
  };
  const search_run_options options{.trials = 6,
                                   .epochs = 2,
                                   .batch_size = 10,
                                   .max_concurrent_trials = 2,
                                   .threads_per_trial = 1};
  // View buffers are freed between rounds; all trials share the teacher, also when trained at
  // once.
  const auto metric = [&](const auto& step) { return accuracy(step.evaluated(), data); };
  auto result = run_search(search::random_search{}, rates, factory(one), metric, data, options);
  for (auto& step : result.steps) {
    CHECK(step->learner_state.buffers().made() == 0);
    CHECK(&step->teacher.teacher() == &one.teacher());
  }
  auto alone = options;
  alone.max_concurrent_trials = 1;
  CHECK((run_search(search::random_search{}, rates, factory(frozen(master)), metric, data, alone)
             .history == result.history));
}

TEST_CASE("search callbacks receive events in order, and trial_table prints the ranking")
{
  struct diary {
    std::vector<search::search_event> events{};
    int begun = 0, ended = 0;
    void on(const search_begin& event)
    {
      ++begun;
      CHECK(event.so_far.events.empty());
      CHECK(event.trial_states.size() == 3);
    }
    void on(const search_goes_on& event)
    {
      CHECK((event.so_far.events.at(events.size()) == event.event));
      events.push_back(event.event);
    }
    void on(const search_end& event)
    {
      ++ended;
      CHECK((event.history.events == events));
    }
  } seen;
  const auto data = tiny_data(20);
  const auto run = [&](auto& callback, std::int64_t max_concurrent_trials) {
    return run_search(
        search::random_search{}, rates, maker{data},
        [](const auto& step) { return 1.0 / step.optimizer.learning_rate; }, data,
        {.trials = 3, .epochs = 2, .max_concurrent_trials = max_concurrent_trials}, callback);
  };
  const auto found = run(seen, 3);
  CHECK(seen.begun == 1);
  CHECK(seen.ended == 1);
  CHECK((seen.events == found.history.events));

  const auto printed = [&](trial_table::style how) {
    char* text = nullptr;
    std::size_t size = 0;
    std::FILE* file = ::open_memstream(&text, &size);
    trial_table table{.to = file, .how = how, .rows = 2};
    (void)run(table, 1);
    std::fclose(file);
    std::string words{text, size};
    std::free(text);
    return words;
  };
  const auto lines = printed(trial_table::style::plain);
  CHECK(lines.find("random-search  round 1  3/6 epochs  0:00:") == 0);  // seconds left
  CHECK(lines.find("random-search  round 2  6/6 epochs  best") != std::string::npos);
  CHECK(lines.find(c10::str(found.best().trial, "      2  ")) != std::string::npos);
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 2);
  const auto table = printed(trial_table::style::live);
  CHECK(table.find("\x1b[4A") != std::string::npos);
  CHECK(table.find("\x1b[5A") == std::string::npos);
  CHECK(table.find(" trial  epoch   score") != std::string::npos);
}

TEST_CASE("a policy in the table of trial states is the pairs that do something")
{
  const auto nothing = search::configuration_of(augmentation_policy{});
  search::configuration at;
  at.set("rate", 0.25);
  for (const auto& [name, x] : nothing.values()) at.set(name, x);
  at.set("Rotate.1.probability", 6).set("Rotate.1.magnitude", 7).set("Invert.2.magnitude", 3);
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* file = ::open_memstream(&text, &size);
  const search::search_history history{
      .strategy = "any", .space = search::policy_space(), .trials = 1, .epochs = 2, .events = {}};
  const std::vector<search::trial_state> trial_states{
      {.trial = 0, .epoch = 2, .score = 0.5, .at = at}};
  trial_table table{.to = file, .how = trial_table::style::plain};
  table.on(search_begin{history, trial_states});
  table.on(search_end{history, trial_states});
  std::fclose(file);
  CHECK(std::string{text, size} ==
        "any  round 1  2/2 epochs  best     0      2  0.5000  rate 0.25  Rotate.1 6:7\n");
  std::free(text);
}

namespace {

/// A loss with a learned scale, in two forms: copies of the first share its tensor.
template<typename Held>
struct scaled_cross_entropy {
  static constexpr std::string_view name = "scaled-cross-entropy";
  static constexpr bool reads_teacher = false;

  Held scale{torch::ones({1}).set_requires_grad(true)};

  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    return (tensor(scale) * cross_entropy{}(pair, targets)).sum();
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("scale", tensor(scale));
  }

  static auto& tensor(auto& held)
  {
    if constexpr (requires { *held; })
      return *held;
    else
      return held;
  }
};

template<typename Held>
auto search_with(const scaled_cross_entropy<Held>& loss, const dataset& data)
{
  return run_search(
      search::random_search{}, rates,
      [&](const search::configuration& at, std::int64_t, seed own) {
        return supervised{.student = tiny_student{data.shape, own},
                          .loss = loss,
                          .optimizer = sgd{.learning_rate = at.real("rate")}};
      },
      [&](const auto& step) { return accuracy(step.evaluated(), data); }, data,
      {.trials = 2, .epochs = 1, .batch_size = 10, .seed = seed{3}});
}

}  // namespace

TEST_CASE("trials that share a tensor of their state are refused, deep copies train apart")
{
  const auto data = tiny_data(20);
  CHECK_THROWS_WITH_AS((void)search_with(scaled_cross_entropy<torch::Tensor>{}, data),
                       doctest::Contains("trials 0 and 1 share the tensor 'loss.scale'"),
                       std::invalid_argument);

  const scaled_cross_entropy<owned_tensor> loss;
  const auto found = search_with(loss, data);
  CHECK(loss.scale->item<float>() == 1.0f);
  const auto first = found.steps[0]->loss.scale->item<float>(),
             second = found.steps[1]->loss.scale->item<float>();
  CHECK(first != 1.0f);
  CHECK(second != 1.0f);
  CHECK(first != second);
}
