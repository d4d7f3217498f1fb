// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "support/tiny_student.hpp"

#include <rolewise/search/asynchronous_successive_halving.hpp>
#include <rolewise/search/bohb.hpp>
#include <rolewise/search/cma_es.hpp>
#include <rolewise/search/grid.hpp>
#include <rolewise/search/hyperband.hpp>
#include <rolewise/search/pb2.hpp>
#include <rolewise/search/population_based.hpp>
#include <rolewise/search/population_based_asynchronous.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/regularized_evolution.hpp>
#include <rolewise/search/search_history_file.hpp>
#include <rolewise/search/search_lineage.hpp>
#include <rolewise/search/successive_halving.hpp>
#include <rolewise/search/tree_parzen.hpp>
#include <rolewise/train/run_search.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/supervised.hpp>
#include <rolewise/train/trial_table.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <unistd.h>

using namespace rolewise;
using rolewise::testing::same_tensors;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

namespace {

/// With about half of the rates, on the log scale, the student diverges.
const search::search_space wild{
    {"rate", search::real_interval{1e-20, 1e25, search::spacing::logarithmic}}};

search::configuration rate(double x) { return search::configuration{}.set("rate", x); }

/// A strategy given by a function, so that all strategies have one type.
template<bool ReadsHistory>
struct any_strategy {
  static constexpr std::string_view name = "any-strategy";
  static constexpr bool reads_history = ReadsHistory;
  static constexpr bool has_settings = false;
  std::function<std::vector<search::decision>(const search::search_space&,
                                              const std::vector<search::trial_state>&, seed)>
      ask;
  [[nodiscard]] std::vector<search::decision> operator()(
      const search::search_space& space, const std::vector<search::trial_state>& all,
      seed key) const
  {
    return ask(space, all, key);
  }
};
using plain = any_strategy<false>;

/// A strategy that applies `one` to every trial that has not finished.
plain each(std::function<search::decision(const std::vector<search::trial_state>&,
                                          const search::trial_state&)>
               one)
{
  return {[one = std::move(one)](const search::search_space&,
                                 const std::vector<search::trial_state>& all, seed) {
    std::vector<search::decision> decisions;
    for (const auto& s : all)
      if (!s.finished) decisions.push_back(one(all, s));
    return decisions;
  }};
}

struct folder {
  std::string path;
  explicit folder(const std::string& name)
      : path{(std::filesystem::temp_directory_path() /
              ("rolewise-failed-" + std::to_string(::getpid()) + "-" + name))
                 .string()}
  {
    std::filesystem::create_directories(path);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path); }
};

const dataset& examples()
{
  static const auto data = tiny_data(30);
  return data;
}

struct maker {
  auto operator()(const search::configuration& at, std::int64_t, seed own) const
  {
    return supervised{.student = tiny_student{examples().shape, own},
                      .optimizer = sgd{.learning_rate = at.real("rate")},
                      .lr_schedule = constant_lr{},
                      .seed = own};
  }
};
/// A factory that also moves an existing step to a new configuration.
struct mover : maker {
  using maker::operator();
  template<typename Step>
  void operator()(Step& step, const search::configuration& at, std::int64_t, seed own) const
  {
    step.optimizer.learning_rate = at.real("rate");
    step.seed = own;
  }
};

using step_type = std::invoke_result_t<maker, const search::configuration&, std::int64_t, seed>;
using metric_type = std::function<double(const step_type&)>;

double negative_loss(const step_type& step) { return -evaluate(step.evaluated(), examples()).loss; }

struct interrupted {};

/// A metric that throws at its `lives`-th call.
metric_type with_lives(int lives)
{
  return [lives, asked = std::make_shared<std::atomic<int>>(0)](const step_type& step) {
    if (++*asked == lives) throw interrupted{};
    return negative_loss(step);
  };
}

template<bool ReadsHistory, typename Factory = maker>
auto searched(const any_strategy<ReadsHistory>& strategy, const metric_type& metric = negative_loss,
              std::int64_t max_concurrent_trials = 1, const std::string& where = "",
              std::int64_t trials = 8, std::int64_t epochs = 4, const Factory& factory = {})
{
  return run_search(strategy, wild, factory, metric, examples(),
                    {.trials = trials,
                     .epochs = epochs,
                     .batch_size = 15,
                     .seed = seed{5},
                     .max_concurrent_trials = max_concurrent_trials,
                     .threads_per_trial = 1,
                     .folder = where});
}

std::int64_t count_of(const search::search_history& history, search::search_event::kind what)
{
  return std::count_if(history.events.begin(), history.events.end(),
                       [&](const auto& e) { return e.what == what; });
}

void check_same(auto& found, auto& wanted)
{
  CHECK((found.history == wanted.history));
  CHECK((found.trial_states == wanted.trial_states));
  REQUIRE(found.steps.size() == wanted.steps.size());
  for (std::size_t i = 0; i < found.steps.size(); ++i) {
    REQUIRE(found.steps[i].has_value() == wanted.steps[i].has_value());
    if (found.steps[i]) CHECK(same_tensors(*found.steps[i], *wanted.steps[i]));
  }
}

/// Checks that a search continues after trials that diverge, with the same result when run in
/// parallel, with moved steps, or interrupted and resumed.
template<bool ReadsHistory>
void survives(std::string_view name, const any_strategy<ReadsHistory>& strategy, bool copies)
{
  CAPTURE(name);
  auto found = searched(strategy);
  const auto failures = count_of(found.history, search::search_event::kind::failed);
  CHECK(failures > 0);
  CHECK(std::isfinite(found.best().score.value()));
  CHECK_FALSE(found.best().failed);
  CHECK_FALSE(
      found.trial_states[static_cast<std::size_t>(search::best_trial(found.history, 1))].failed);
  for (const auto& event : found.history.events)
    if (event.what == search::search_event::kind::failed) {
      CHECK_FALSE(event.reason.empty());
      CHECK_FALSE(event.score.has_value());
    }
  std::map<std::int64_t, bool> has_failed;
  for (const auto& event : found.history.events) {
    if (event.what == search::search_event::kind::copied) {
      CHECK_FALSE(has_failed[*event.from]);
      has_failed[event.trial] = false;
    } else if (event.what == search::search_event::kind::failed) {
      has_failed[event.trial] = true;
    } else if (event.what == search::search_event::kind::scored) {
      CHECK_FALSE(has_failed[event.trial]);
    }
  }
  for (const auto& s : found.trial_states) {
    const auto place = static_cast<std::size_t>(s.trial);
    CHECK(s.failed == has_failed[s.trial]);
    CHECK(s.failed == (s.at && !s.score));
    CHECK(found.steps[place].has_value() == (s.at && !s.failed));
  }
  CHECK(copies == (count_of(found.history, search::search_event::kind::copied) > 0));

  auto max_concurrent_trials = searched(strategy, negative_loss, 3);
  check_same(max_concurrent_trials, found);
  auto moved = searched(strategy, negative_loss, 1, "", 8, 4, mover{});
  check_same(moved, found);
  const auto judgments =
      static_cast<int>(count_of(found.history, search::search_event::kind::scored) + failures);
  for (int lives = 2; lives < judgments; lives += 3) {
    const folder kept{std::to_string(lives)};
    try {
      (void)searched(strategy, with_lives(lives), 1, kept.path);
    } catch (const interrupted&) {
    }
    auto resumed = searched(strategy, negative_loss, 1 + lives % 2, kept.path, 8, 4, mover{});
    check_same(resumed, found);
    CHECK((search::read_search_history(kept.path + "/history.jsonl") == found.history));
    auto again = searched(strategy, negative_loss, 1, kept.path);  // read, and not trained again
    check_same(again, found);
  }
}

std::string error_of(const std::function<void()>& f)
{
  try {
    f();
  } catch (const std::runtime_error& wrong) {
    return wrong.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("a trial that diverges is stopped, and the search goes on, under every strategy")
{
  survives(search::random_search::name, plain{search::random_search{}}, false);
  survives(search::grid::name, plain{search::grid{.steps = 8}}, false);
  survives(search::successive_halving::name, plain{search::successive_halving{.eta = 2}}, false);
  survives(search::hyperband::name, plain{search::hyperband{.eta = 2, .most = 4}}, false);
  survives(search::asynchronous_successive_halving::name,
           plain{search::asynchronous_successive_halving{.eta = 2, .max_concurrent_trials = 2}},
           false);
  survives(search::tree_parzen::name,
           plain{search::tree_parzen{.max_concurrent_trials = 2, .start_up = 3}}, false);
  survives(search::bohb::name,
           plain{search::bohb{.budget = {.eta = 2, .most = 4}, .proposals = {.start_up = 20}}},
           false);
  survives(search::regularized_evolution::name,
           plain{search::regularized_evolution{.population = 3, .sample = 2}}, false);
  survives(search::cma_es::name, plain{search::cma_es{.offspring = 4, .step = 5.0}}, false);
}

TEST_CASE("where a population is trained, one that diverges becomes a copy of a healthy one")
{
  survives(search::population_based::name, plain{search::population_based{}}, true);
  survives(search::pb2::name, plain{search::pb2{.candidates = 8}}, true);
  survives(search::population_based_asynchronous::name,
           any_strategy<true>{search::population_based_asynchronous{}}, true);
}

TEST_CASE("trials may diverge at the same moment")
{
  // The metric of all but the last waits, for a second at most, until eight can fail together.
  const auto asked = std::make_shared<std::atomic<int>>(0);
  const auto metric = [asked](const step_type&) {
    const int number = ++*asked;
    if (number == 97) return 0.0;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{1};
    while (*asked < (number + 7) / 8 * 8 && std::chrono::steady_clock::now() < until)
      std::this_thread::yield();
    return std::nan("");
  };
  const auto found =
      searched(plain{search::population_based{.first = rate(0.01)}}, metric, 8, "", 97, 1);
  CHECK(count_of(found.history, search::search_event::kind::failed) == 96);
  CHECK(std::count_if(found.steps.begin(), found.steps.end(),
                      [](const auto& step) { return step.has_value(); }) == 1);
}

TEST_CASE("a failed trial takes the place of the worst, and no healthy one is replaced for it")
{
  const auto play = [&](std::int64_t fails) {
    return searched(
        plain{search::population_based{.first = rate(0.01)}},
        [fails, asked = std::make_shared<int>(0)](const step_type& step) {
          return (*asked)++ == fails ? std::nan("") : negative_loss(step);
        },
        1, "", 4, 3);
  };
  for (const std::int64_t fails : {0, 1, 2, 3}) {
    const auto found = play(fails);
    const auto& events = found.history.events;
    const auto& failed = events.at(static_cast<std::size_t>(4 + fails));
    CHECK(failed.what == search::search_event::kind::failed);
    CHECK(failed.trial == fails);
    CHECK(failed.epoch == 1);
    CHECK(failed.reason == "metric: the score after 1 epochs is nan");
    const auto replaced = std::count_if(events.begin(), events.end(), [](const auto& e) {
      return e.what == search::search_event::kind::copied && e.round == 1;
    });
    CHECK(replaced == 1);
    CHECK(events.at(8).what == search::search_event::kind::copied);
    CHECK(events.at(8).trial == fails);
    const auto& state = found.trial_states[static_cast<std::size_t>(fails)];
    CHECK_FALSE(state.failed);
    CHECK(state.score.has_value());
    CHECK(state.past.front().score == search::failed_score);
    CHECK(search::failed_trials(found.history).empty());
    CHECK(search::ranked_trials(found.history).size() == 4);
  }
}

TEST_CASE("a search ends when all its trials have failed, with each reason, also when resumed")
{
  const folder kept{"all"};
  const auto strategy = each([](const auto&, const search::trial_state& s) -> search::decision {
    if (!s.at) return search::start_trial{s.trial, rate(s.trial == 0 ? 1e25 : 0.1)};
    return search::keep_trial{s.trial};
  });
  const metric_type metric = [](const step_type&) {
    return -std::numeric_limits<double>::infinity();
  };
  const auto run = [&] { (void)searched(strategy, metric, 1, kept.path, 2); };
  const auto words = error_of(run);
  CHECK(words.starts_with(
      "rolewise: run_search: all trials have failed: trial 0 (rate 1e+25): fit: '"));
  CHECK(words.ends_with("; trial 1 (rate 0.1): metric: the score after 1 epochs is -inf"));
  CHECK(error_of(run) == words);
  CHECK(error_of([&] { (void)searched(strategy, negative_loss, 2, kept.path, 2); }) == words);
  const auto history = search::read_search_history(kept.path + "/history.jsonl");
  CHECK(count_of(history, search::search_event::kind::failed) == 2);
  CHECK(count_of(history, search::search_event::kind::stopped) == 2);
  CHECK_THROWS_AS((void)search::best_trial(history), std::invalid_argument);
}

TEST_CASE(
    "a strategy that knows nothing of failures still ends, and cannot copy one that has failed")
{
  // Trial 1 waits for trial 0, which fails.
  const auto waits = each([](const std::vector<search::trial_state>& all,
                             const search::trial_state& s) -> search::decision {
    if (s.at) return search::keep_trial{s.trial};
    if (s.trial == 0 || all[0].finished)
      return search::start_trial{s.trial, rate(s.trial == 0 ? 1e25 : 0.1)};
    return search::keep_trial{s.trial};
  });
  const auto found = searched(waits, negative_loss, 1, "", 2, 2);
  CHECK(found.trial_states[0].failed);
  CHECK(found.best().trial == 1);
  CHECK(count_of(found.history, search::search_event::kind::stopped) == 1);

  const auto copies = each([](const std::vector<search::trial_state>& all,
                              const search::trial_state& s) -> search::decision {
    if (!s.at) return search::start_trial{s.trial, rate(s.trial == 0 ? 1e25 : 0.1)};
    if (s.trial == 1 && all[0].failed) return search::exploit_trial{0, 1, rate(0.1)};
    return search::keep_trial{s.trial};
  });
  CHECK_THROWS_WITH_AS((void)searched(copies, negative_loss, 1, "", 2, 2),
                       "rolewise: strategy 'any-strategy': copies trial 0, which had failed",
                       std::invalid_argument);
}

TEST_CASE("any other exception of a trial ends the search and names trial and configuration")
{
  struct own_error : std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  const auto strategy = each([](const auto&, const search::trial_state& s) -> search::decision {
    if (!s.at) return search::start_trial{s.trial, rate(0.25 * static_cast<double>(s.trial + 1))};
    return search::keep_trial{s.trial};
  });
  const auto run = [&](const metric_type& metric, std::int64_t max_concurrent_trials = 1) {
    (void)searched(strategy, metric, max_concurrent_trials, "", 2);
  };
  for (const std::int64_t max_concurrent_trials : {1, 2}) {
    CHECK_THROWS_WITH_AS(run(
                             [](const step_type& step) -> double {
                               if (step.optimizer.learning_rate < 0.3) return 0.0;
                               throw_invalid_argument("mine", "wants more");
                             },
                             max_concurrent_trials),
                         "rolewise: run_search: trial 1 (rate 0.5): mine: wants more",
                         std::invalid_argument);
    try {
      run([](const step_type&) -> double { throw own_error{"the disk is gone"}; },
          max_concurrent_trials);
      FAIL("nothing was thrown");
    } catch (const std::runtime_error& wrong) {
      CHECK(std::string{wrong.what()} ==
            "rolewise: run_search: trial 0 (rate 0.25): the disk is gone");
      CHECK_THROWS_AS(std::rethrow_if_nested(wrong), own_error);
    }
  }
  // A learning rate that the factory makes infinite is an error of the caller, not a failed
  // trial.
  const auto factory = [](const search::configuration& at, std::int64_t number, seed own) {
    return maker{}(rate(at.real("rate") * (number == 1 ? 1e308 * 10.0 : 1.0)), number, own);
  };
  CHECK_THROWS_WITH_AS(
      (void)run_search(strategy, wild, factory, negative_loss, examples(), {.trials = 2}),
      doctest::Contains(
          "rolewise: run_search: trial 1 (rate 0.5): sgd: want a finite learning_rate"),
      std::invalid_argument);
}

TEST_CASE("the table of trial states shows trials that have failed below all others")
{
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* file = ::open_memstream(&text, &size);
  const search::search_history history{
      .strategy = "any", .space = wild, .trials = 3, .epochs = 4, .events = {}};
  const std::vector<search::trial_state> trial_states{
      {.trial = 0, .epoch = 2, .at = rate(0.5), .finished = true, .failed = true},
      {.trial = 1, .epoch = 2, .score = -3.0, .at = rate(0.25)},
      {.trial = 2}};
  trial_table live{.to = file, .how = trial_table::style::live};
  live.on(search_begin{history, trial_states});
  live.on(search_end{history, trial_states});
  trial_table lines{.to = file, .how = trial_table::style::plain};
  lines.on(search_begin{history, trial_states});
  lines.on(search_end{history, trial_states});
  std::fclose(file);
  const std::string words{text, size};
  std::free(text);
  const auto healthy = words.find("     1      2  -3.0000  rate 0.25"),
             failed = words.find("     0      2  failed  rate 0.5");
  CHECK(healthy != words.npos);
  CHECK(failed != words.npos);
  CHECK(healthy < failed);
  CHECK(words.find("4/10 epochs  1 failed  best     1") != words.npos);
}
