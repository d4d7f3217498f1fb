// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "support/tiny_student.hpp"

#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/search_history_file.hpp>
#include <rolewise/train/ema.hpp>
#include <rolewise/train/run_search.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/supervised.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

using namespace rolewise;
using rolewise::testing::same_tensors;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

namespace {

const search::search_space rates{
    {"rate", search::real_interval{1e-3, 1.0, search::spacing::logarithmic}}};

/// A strategy that starts trial 3 one round late. Then the worst trial copies the best (with
/// `ReadsHistory`, every other round as it was one round ago), and trial 2 is stopped.
template<bool ReadsHistory>
struct restless {
  static constexpr std::string_view name = "restless";
  static constexpr bool reads_history = ReadsHistory;
  [[nodiscard]] std::vector<search::decision> operator()(
      const search::search_space& space, const std::vector<search::trial_state>& all,
      seed key) const
  {
    std::vector<search::decision> decisions;
    const search::trial_state *best = nullptr, *worst = nullptr;
    std::size_t evaluations = 0;
    for (const auto& s : all) {
      evaluations = std::max(evaluations, s.past.size());
      if (!s.score || s.finished) continue;
      if (best == nullptr || *s.score > *best->score) best = &s;
      if (worst == nullptr || *s.score <= *worst->score) worst = &s;
    }
    for (const auto& s : all) {
      const auto own = key.split(static_cast<std::uint64_t>(s.trial)).split(evaluations);
      if (s.finished) continue;
      if (!s.at && (s.trial != 3 || evaluations > 0))
        decisions.emplace_back(search::start_trial{s.trial, space.sample(own)});
      else if (s.trial == 2 && evaluations == 3)
        decisions.emplace_back(search::stop_trial{2});
      else if (&s == worst && best != worst)
        decisions.emplace_back(search::exploit_trial{
            best->trial, s.trial, space.sample(own),
            ReadsHistory && evaluations % 2 == 0 && best->past.size() > 1 ? 1 : 0});
      else
        decisions.emplace_back(search::keep_trial{s.trial});
    }
    return decisions;
  }
};

struct folder {
  std::string path;
  explicit folder(const std::string& name)
      : path{(std::filesystem::temp_directory_path() /
              ("rolewise-search-" + std::to_string(::getpid()) + "-" + name))
                 .string()}
  {
    std::filesystem::create_directories(path);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path); }

  [[nodiscard]] std::string history() const { return path + "/history.jsonl"; }
  [[nodiscard]] std::string text() const
  {
    std::ostringstream all;
    all << std::ifstream{history(), std::ios::binary}.rdbuf();
    return all.str();
  }
  void write(const std::string& text) const { std::ofstream{history(), std::ios::binary} << text; }
  [[nodiscard]] std::int64_t states() const
  {
    std::int64_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator{path})
      count += entry.path().extension() == ".checkpoint" ? 1 : 0;
    return count;
  }
};

struct interrupted {};

/// A search that throws `interrupted` at the `lives`-th call of the metric.
template<bool ReadsHistory = false>
auto searched(const std::string& where, int lives = 1 << 30, std::int64_t max_concurrent_trials = 1)
{
  static const auto train = tiny_data(30), validation = tiny_data(40, seed{5});
  std::atomic<int> asked{0};
  return run_search(
      restless<ReadsHistory>{}, rates,
      [&](const search::configuration& at, std::int64_t, seed own) {
        return supervised{.student = tiny_student{train.shape, own},
                          .optimizer = sgd{.learning_rate = at.real("rate")},
                          .ema = ema{},
                          .seed = own};
      },
      [&](const auto& step) {
        if (++asked == lives) throw interrupted{};
        return accuracy(step.evaluated(), validation);
      },
      train,
      {.trials = 4,
       .epochs = 5,
       .batch_size = 15,
       .seed = seed{11},
       .max_concurrent_trials = max_concurrent_trials,
       .threads_per_trial = 1,
       .folder = where});
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

template<bool ReadsHistory>
void resume_after_each_evaluation()
{
  auto wanted = searched<ReadsHistory>("");
  const auto judgments = static_cast<int>(
      std::count_if(wanted.history.events.begin(), wanted.history.events.end(),
                    [](const auto& e) { return e.what == search::search_event::kind::scored; }));
  CHECK(judgments > 15);
  CHECK(std::any_of(wanted.history.events.begin(), wanted.history.events.end(),
                    [](const auto& e) { return e.what == search::search_event::kind::copied; }));
  for (int lives = 1; lives <= judgments; ++lives) {
    const folder kept{std::to_string(lives)};
    CHECK_THROWS_AS((void)searched<ReadsHistory>(kept.path, lives), interrupted);
    CHECK(kept.states() <= (ReadsHistory ? 12 : 8));
    auto found = searched<ReadsHistory>(kept.path, 1 << 30, 1 + lives % 3);
    check_same(found, wanted);
    CHECK((search::read_search_history(kept.history()) == wanted.history));
    CHECK(kept.states() <= (ReadsHistory ? 8 : 4));
    // A finished search is read, and not trained again.
    auto again = searched<ReadsHistory>(kept.path, 1);
    check_same(again, wanted);
  }
  // Interrupted again and again.
  const folder kept{"often"};
  for (int i = 1; i < judgments; ++i)
    CHECK_THROWS_AS((void)searched<ReadsHistory>(kept.path, 2), interrupted);
  auto found = searched<ReadsHistory>(kept.path);
  check_same(found, wanted);
}

}  // namespace

TEST_CASE("a search is continued from each of its instants with the same bits")
{
  resume_after_each_evaluation<false>();
}

TEST_CASE("so is one whose strategy copies earlier states")
{
  resume_after_each_evaluation<true>();
}

TEST_CASE("a history is on the disk as it happens, and a torn line is cut off")
{
  auto wanted = searched("");
  const folder kept{"torn"};
  CHECK_THROWS_AS((void)searched(kept.path, 6), interrupted);
  const auto whole = kept.text();
  // The first line, three starts, three scores, decisions of the second round.
  std::istringstream lines{whole};
  std::vector<nlohmann::json> read;
  for (std::string line; std::getline(lines, line);) read.push_back(nlohmann::json::parse(line));
  CHECK(read.at(0)["search_history"] == 1);
  CHECK(read[0]["strategy"] == "restless");
  CHECK(read[0]["space"][0] ==
        nlohmann::json{{"name", "rate"}, {"real", {1e-3, 1.0}}, {"spacing", "logarithmic"}});
  CHECK(read[0]["seed"] == 11);
  CHECK(read[0]["run"]["batch_size"] == 15);
  CHECK(read.at(1)["event"] == "started");
  CHECK(read[1]["at"]["rate"].get<double>() == wanted.history.events[0].at->real("rate"));
  CHECK(read.at(4)["event"] == "scored");
  CHECK(read[4]["score"].get<double>() == wanted.history.events[3].score);
  CHECK(read.back()["round"] >= 1);

  // Truncated anywhere after the first round, whose states have been replaced by those of the
  // second.
  std::size_t round = 0;
  for (int i = 0; i < 7; ++i) round = whole.find('\n', round) + 1;
  for (std::size_t length = round; length < whole.size(); length += 13) {
    kept.write(whole.substr(0, length));
    CHECK(search::read_search_history(kept.history()).events.size() >= 6);
    CHECK_THROWS_AS((void)searched(kept.path, 1), interrupted);
    CHECK(whole.starts_with(kept.text().substr(0, kept.text().find("\"seconds\""))));
    CHECK(kept.text().back() == '\n');
  }
  auto found = searched(kept.path);
  check_same(found, wanted);
  double last = 0.0;
  for (const auto& event : found.history.events) {
    CHECK(event.seconds >= last);
    last = event.seconds;
  }

  // A truncated first line: the search starts from the beginning.
  const folder early{"early"};
  early.write(whole.substr(0, 40));
  auto afresh = searched(early.path);
  check_same(afresh, wanted);
}

TEST_CASE("a folder of another search, and a damaged one, are refused in words")
{
  const auto train = tiny_data(30), other_data = tiny_data(30, seed{8});
  const folder kept{"another"};
  const auto run_by = [&](const auto& strategy, search_run_options options,
                          const search::search_space& space = rates,
                          const dataset* data = nullptr) {
    options.folder = kept.path;
    return run_search(
        strategy, space,
        [&](const search::configuration& at, std::int64_t, seed own) {
          return supervised{.student = tiny_student{train.shape, own},
                            .optimizer = sgd{.learning_rate = at.real("rate")}};
        },
        [](const auto&) { return 0.5; }, data == nullptr ? train : *data, options);
  };
  const auto run = [&](auto&&... rest) { return run_by(search::random_search{}, rest...); };
  const search_run_options first{.trials = 2, .epochs = 2, .batch_size = 15, .seed = seed{3}};
  (void)run(first);
  const auto refuses = [&](const std::string& words, auto&& call) {
    CHECK_THROWS_WITH_AS(
        call(),
        ("rolewise: run_search: " + kept.history() + " is of another search: " + words).c_str(),
        std::invalid_argument);
  };
  auto changed = first;
  changed.epochs = 3;
  refuses("its epochs is 2, wanted 3", [&] { (void)run(changed); });
  changed = first;
  changed.seed = seed{4};
  refuses("its seed is 3, wanted 4", [&] { (void)run(changed); });
  changed = first;
  changed.batch_size = 10;
  refuses("its batch_size is 15, wanted 10", [&] { (void)run(changed); });
  changed = first;
  changed.conditions = 5;
  refuses("its conditions is \"0\", wanted \"5\"", [&] { (void)run(changed); });
  refuses(
      R"(dimension 0 of its space is {"name": "rate", "real": [0.001, 1.0], "spacing": )"
      R"("logarithmic"}, wanted {"name": "rate", "real": [0.001, 1.0], "spacing": "linear"})",
      [&] { (void)run(first, search::search_space{{"rate", search::real_interval{1e-3, 1.0}}}); });
  refuses("dimension 1 of its space is nothing, wanted {\"name\": \"bits\", \"integer\": [1, 8]}",
          [&] {
            (void)run(first,
                      search::search_space{
                          {"rate", search::real_interval{1e-3, 1.0, search::spacing::logarithmic}},
                          {"bits", search::integer_interval{1, 8}}});
          });
  refuses("its strategy is \"random-search\", wanted \"restless\"",
          [&] { (void)run_by(restless<false>{}, first); });
  const auto sum = [](const dataset& d) { return std::to_string(d.fingerprint()); };
  refuses("its data_sum is \"" + sum(train) + "\", wanted \"" + sum(other_data) + "\"",
          [&] { (void)run(first, rates, &other_data); });

  const auto run_step = [&](double momentum, std::int64_t padding) {
    auto options = first;
    options.folder = kept.path;
    return run_search(
        search::random_search{}, rates,
        [&](const search::configuration& at, std::int64_t, seed own) {
          return supervised{
              .student = tiny_student{train.shape, own},
              .agent = pad_crop_flip{.padding = padding},
              .optimizer = sgd{.learning_rate = at.real("rate"), .momentum = momentum}};
        },
        [](const auto&) { return 0.5; }, train, options);
  };
  refuses("it has step.agent no_agent (now pad_crop_flip)", [&] { (void)run_step(0.9, 4); });
  const auto without_agent = [&](double momentum) {
    auto options = first;
    options.folder = kept.path;
    return run_search(
        search::random_search{}, rates,
        [&](const search::configuration& at, std::int64_t, seed own) {
          return supervised{
              .student = tiny_student{train.shape, own},
              .optimizer = sgd{.learning_rate = at.real("rate"), .momentum = momentum}};
        },
        [](const auto&) { return 0.5; }, train, options);
  };
  refuses("it has step.optimizer.momentum 0.9 (now 0.5)", [&] { (void)without_agent(0.5); });

  const auto whole = kept.text();
  const auto fails = [&](const std::string& text, const std::string& words) {
    kept.write(text);
    CHECK_THROWS_WITH_AS((void)run(first), ("rolewise: " + kept.history() + words).c_str(),
                         std::runtime_error);
  };
  const auto second = whole.find('\n') + 1;
  auto damaged = whole;
  damaged[second + 10] = '{';
  fails(damaged, ": is damaged at byte " + std::to_string(second + 11) + ": want a name");
  damaged = whole;
  damaged.replace(damaged.find("\"started\""), 9, "\"startled\"");
  fails(damaged,
        ": is damaged at byte " + std::to_string(second) + ": has the unknown event 'startled'");
  damaged = whole;
  damaged.replace(damaged.find("\"search_history\": 1"), 19, "\"search_history\": 2");
  fails(damaged, ": has the format version 2, this library reads 1");
  const auto last = whole.rfind("{\"event\"");
  fails(whole + whole.substr(last), ": is damaged: after the end of the search it has " +
                                        whole.substr(last, whole.size() - 1 - last));
  // Decisions that the strategy would not make.
  damaged = whole;
  damaged.replace(damaged.find("\"trial\": 0"), 10, "\"trial\": 1");
  kept.write(damaged);
  CHECK_THROWS_WITH_AS(
      (void)run(first),
      doctest::Contains("in round 0 strategy 'random-search' decides otherwise on trial 0: "
                        "{\"event\": \"started\", \"round\": 0, \"trial\": 1"),
      std::invalid_argument);

  kept.write(whole);
  std::filesystem::remove(kept.path + "/trial-1.round-1.checkpoint");
  CHECK_THROWS_WITH_AS((void)run(first),
                       ("rolewise: " + kept.path +
                        "/trial-1.round-1.checkpoint: cannot be read: No such file or directory")
                           .c_str(),
                       std::runtime_error);
  changed = first;
  CHECK_THROWS_WITH_AS(
      (void)run_search(
          search::random_search{}, rates,
          [&](const search::configuration& at, std::int64_t, seed own) {
            return supervised{.student = tiny_student{train.shape, own},
                              .optimizer = sgd{.learning_rate = at.real("rate")}};
          },
          [](const auto&) { return 0.5; }, train, {.folder = kept.path + "/missing"}),
      ("rolewise: " + kept.path +
       "/missing/history.jsonl: cannot be written: No such file or directory")
          .c_str(),
      std::runtime_error);
}

TEST_CASE("histories are written and read, with every kind of dimension and value")
{
  using kind = search::search_event::kind;
  search::search_history history{
      .strategy = "a \"strategy\"\n",
      .space = {{"lr", search::real_interval{1e-4, 0.1, search::spacing::logarithmic}},
                {"mix", search::real_interval{-1.0, 2.0}},
                {"bits", search::integer_interval{-3, 8}},
                {"agent", search::choice_of{{"none", "policy \\ 2"}}}},
      .trials = 3,
      .epochs = 9,
      .evaluation_interval = 3,
      .seed = seed{std::numeric_limits<std::uint64_t>::max()},
      .events = {}};
  const auto at = search::configuration{}
                      .set("lr", 0.1 / 3.0)
                      .set("mix", 2.0)
                      .set("bits", std::int64_t{-3})
                      .set("agent", std::string{"policy \\ 2"});
  history.events = {{.what = kind::started, .from = 2, .at = at, .seconds = 0.25},
                    {.what = kind::scored, .trial = 0, .epoch = 3, .score = -1e-300},
                    {.what = kind::copied,
                     .round = 1,
                     .trial = 2,
                     .epoch = 6,
                     .from = 0,
                     .from_epoch = 3,
                     .at = at},
                    {.what = kind::failed,
                     .round = 2,
                     .trial = 0,
                     .epoch = 9,
                     .reason = "fit: \"loss\" is nan in epoch 7, step 1"},
                    {.what = kind::stopped, .round = 2, .trial = 1, .epoch = 6}};
  const folder kept{"formats"};
  search::write_search_history(kept.history(), history);
  const auto read = search::read_search_history(kept.history());
  CHECK((read == history));
  CHECK(read.events[0].seconds == 0.25);
  kept.write(kept.text() + "{\"event\": \"scor");
  CHECK((search::read_search_history(kept.history()) == history));
  auto damaged = kept.text();
  const auto reason = damaged.find(", \"reason\"");
  damaged.erase(reason, damaged.find(", \"seconds\"", reason) - reason);
  kept.write(damaged);
  CHECK_THROWS_WITH_AS(
      (void)search::read_search_history(kept.history()),
      ("rolewise: " + kept.history() + ": is damaged at byte " +
       std::to_string(damaged.find("{\"event\": \"failed\"")) + ": has no 'reason'")
          .c_str(),
      std::runtime_error);
  kept.write("");
  CHECK_THROWS_WITH_AS(
      (void)search::read_search_history(kept.history()),
      ("rolewise: " + kept.history() + ": is no history of a search: it has no whole first line")
          .c_str(),
      std::runtime_error);
}
