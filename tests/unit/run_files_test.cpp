// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Files of runs and searches: the same in any locale, one writer at a time, never partial.
#include "support/doctest.hpp"

#include "support/grouping_locale.hpp"
#include "support/search_histories.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/policy/policy_log.hpp>
#include <rolewise/policy/policy_text.hpp>
#include <rolewise/report/curves.hpp>
#include <rolewise/report/heat_map.hpp>
#include <rolewise/report/run_record.hpp>
#include <rolewise/report/search_page.hpp>
#include <rolewise/report/table.hpp>
#include <rolewise/search/configuration_text.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/search_history_file.hpp>
#include <rolewise/search/space_text.hpp>
#include <rolewise/train/checkpoint.hpp>
#include <rolewise/train/checkpoints.hpp>
#include <rolewise/train/csv.hpp>
#include <rolewise/train/detail/search_folder.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/json_lines.hpp>
#include <rolewise/train/run_search.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/supervised.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

using namespace rolewise;
using rolewise::testing::grouping_locale;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

namespace {

/// A temporary folder, removed by the destructor.
struct folder {
  std::string path = [] {
    static int count = 0;
    const auto made =
        std::filesystem::temp_directory_path() /
        ("rolewise-run-files-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(made);
    return made.string();
  }();
  folder() = default;
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path); }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path + "/" + name; }
};

std::string read(const std::string& path)
{
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write(const std::string& path, const std::string& bytes)
{
  std::ofstream{path, std::ios::binary} << bytes;
}

std::vector<std::string> lines_of(const std::string& text)
{
  std::vector<std::string> lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// The records of JSON lines, without the field "seconds".
std::vector<nlohmann::json> records_in(const std::string& text)
{
  std::vector<nlohmann::json> records;
  for (const auto& line : lines_of(text)) {
    records.push_back(nlohmann::json::parse(line));
    records.back().erase("seconds");
  }
  return records;
}

template<typename Action>
std::string complaint(const Action& action)
{
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing";
}

const dataset& data()
{
  static const auto made = tiny_data(20);
  return made;
}

auto a_step()
{
  return supervised{.student = tiny_student{data().shape, seed{3}},
                    .optimizer = sgd{.learning_rate = 0.02}};
}

/// Trains up to epoch `until`, from the checkpoint if there is one.
template<typename... Callbacks>
auto run(std::int64_t until, Callbacks&&... callbacks)
{
  auto step = a_step();
  return fit(step, data(),
             {.epochs = 4, .batch_size = 10, .seed = seed{5}, .resume = true, .until = until},
             callbacks...);
}

const search::search_space rates{
    {"rate", search::real_interval{1e-3, 1.0, search::spacing::logarithmic}},
    {"width", search::integer_interval{1000, 9000}}};

std::vector<exploit_event> one_event(std::int64_t target, std::int64_t clone)
{
  exploit_event event;
  event.target = target;
  event.clone = clone;
  return {event};
}

/// A callback that starts a second run with the same files after each epoch.
struct second_run {
  static constexpr bool has_state = false;
  const folder* in = nullptr;
  std::vector<std::string> told{};
  void on(const epoch_end&)
  {
    told.push_back(complaint([&] {
      (void)run(-1, json_lines{.path = *in / "log.jsonl"}, checkpoints{.folder = in->path});
    }));
  }
  void on(const auto&) {}
};

struct interrupted {};

auto search_in(const std::string& where, int lives)
{
  int asked = 0;
  return run_search(
      search::random_search{}, rates,
      [&](const search::configuration& at, std::int64_t, seed own) {
        return supervised{.student = tiny_student{data().shape, own},
                          .optimizer = sgd{.learning_rate = at.real("rate")},
                          .seed = own};
      },
      [&](const auto&) {
        if (++asked > lives) throw interrupted{};
        return 0.5;
      },
      data(), {.trials = 2, .epochs = 3, .batch_size = 10, .seed = seed{11}, .folder = where});
}

}  // namespace

TEST_CASE("what is written for machines is the same in every locale")
{
  search::search_history history{.strategy = "by hand",
                                 .space = rates,
                                 .trials = 2,
                                 .epochs = 2000,
                                 .evaluation_interval = 1000,
                                 .seed = seed{1234567},
                                 .events = {}};
  const auto at = search::configuration{}.set("rate", 0.125).set("width", std::int64_t{1234});
  for (const std::int64_t trial : {0, 1}) history.events.push_back(testing::started(trial, at));
  history.events.push_back(testing::scored(0, 0, 1000, 0.25));
  report::line_chart chart{.title = "curves", .x_label = "step", .y_label = "loss"};
  chart.width = 1200;
  chart.curves.push_back({.name = "a", .x = {0, 5000, 12000}, .y = {0.5, 0.25, 1e-5}});
  const report::heat_map map{.title = "map",
                             .x_label = "epoch",
                             .row_labels = {"a"},
                             .rows = {std::vector<std::optional<double>>(1200, 0.25)},
                             .first_column = 1000};
  const auto everything = [&] {
    std::vector<std::string> texts{
        report::svg_text(chart),
        report::svg_text(map),
        report::search_page(history),
        json_text(rates),
        json_text(at),
        text(at),
        json_text(search::parse_configuration(json_text(at), rates)),
        json_text(report::run_record{.name = "n", .seed = seed{1234567}}),
        policy_log_text(one_event(1234, 5678), log_dialect::json),
        json_text(policy_schedule{std::vector<policy_segment>{{0, {}}, {1234, {}}}}),
        rolewise::detail::kept_trial{.trial = 1234, .round = 5678}.file(),
        complaint([] { throw_invalid_argument("who", 1234.5); })};
    return texts;
  };
  const auto wanted = everything();
  const grouping_locale elsewhere;
  const auto found = everything();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CAPTURE(i);
    CHECK((found[i] == wanted[i]));
  }
  CHECK(wanted[0].find("width=\"1200\"") != std::string::npos);
  CHECK(wanted[10] == "trial-1234.round-5678.checkpoint");
}

TEST_CASE("runs and searches begun in one locale go on in another")
{
  const folder whole, in;
  (void)run(-1, json_lines{.path = whole / "log.jsonl"}, csv{.path = whole / "log.csv"},
            checkpoints{.folder = whole.path});
  const auto go_on = [&](std::int64_t until) {
    (void)run(until, json_lines{.path = in / "log.jsonl"}, csv{.path = in / "log.csv"},
              checkpoints{.folder = in.path});
  };
  go_on(1);
  {
    const grouping_locale elsewhere;
    go_on(3);
  }
  go_on(-1);
  CHECK((records_in(read(in / "log.jsonl")) == records_in(read(whole / "log.jsonl"))));
  CHECK(lines_of(read(in / "log.csv")).size() == 5);

  const folder searched, searched_whole;
  const auto wanted = search_in(searched_whole.path, 100);
  CHECK_THROWS_AS((void)search_in(searched.path, 1), interrupted);
  {
    const grouping_locale elsewhere;
    CHECK_THROWS_AS((void)search_in(searched.path, 2), interrupted);
  }
  CHECK((search_in(searched.path, 100).history == wanted.history));
}

TEST_CASE("a device and a pipe take lines as they come")
{
  const folder in, whole;
  (void)run(-1, json_lines{.path = whole / "log.jsonl"}, checkpoints{.folder = whole.path});
  const auto pipe = in / "pipe", table = in / "table";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  REQUIRE(::mkfifo(table.c_str(), 0600) == 0);
  std::string lines, rows;
  for (const std::int64_t until : {1, -1}) {
    std::thread reader{[&] { lines += read(pipe); }}, other{[&] { rows += read(table); }};
    (void)run(until, json_lines{.path = "/dev/null"}, json_lines{.path = pipe}, csv{.path = table},
              csv{.path = "/dev/null"}, checkpoints{.folder = in.path});
    reader.join();
    other.join();
  }
  CHECK((records_in(lines) == records_in(read(whole / "log.jsonl"))));
  const auto names = lines_of(rows).front();
  CHECK(lines_of(rows).size() == 6);  // each of the two runs begins with the header
  CHECK(lines_of(rows)[2] == names);
  CHECK(complaint([&] {
          auto step = a_step();
          (void)fit(step, data(), {.epochs = 1}, json_lines{.path = "/dev/full"});
        }) == "rolewise: /dev/full: cannot be written: No space left on device");

  // A run whose log was a device continues in a regular file, after its content.
  const folder mixed;
  std::filesystem::create_symlink("/dev/null", mixed / "log");
  (void)run(2, json_lines{.path = mixed / "log"}, checkpoints{.folder = mixed.path});
  std::filesystem::remove(mixed / "log");
  write(mixed / "log", "# somebody's\n");
  (void)run(-1, json_lines{.path = mixed / "log"}, checkpoints{.folder = mixed.path});
  CHECK(lines_of(read(mixed / "log")).size() == 3);
}

TEST_CASE("of two runs in one folder the second is refused, and the first loses nothing")
{
  const folder in;
  (void)run(1, json_lines{.path = in / "log.jsonl"}, checkpoints{.folder = in.path});
  const auto this_process = "is being written by this process (" + std::to_string(::getpid()) +
                            "); wait until that run is over or choose another ";
  second_run second{.in = &in};
  checkpoints keeper{.folder = in.path};
  (void)run(2, json_lines{.path = in / "log.jsonl"}, second, keeper);
  REQUIRE(second.told.size() == 1);
  CHECK(second.told[0] == "rolewise: " + (in / "log.jsonl") + ": " + this_process + "file");
  CHECK(std::filesystem::exists(in / "last.checkpoint"));
  CHECK_FALSE(std::filesystem::exists(in / "run.lock"));

  // The log is free, but another run writes the checkpoints.
  checkpoints other{.folder = in.path};
  const run_history history;
  const run_signature signature;
  (void)other.kept();
  other.on(fit_begin{signature, history, 0, 4, true});
  CHECK(std::filesystem::exists(in / "run.lock"));
  const auto before = read(in / "log.jsonl");
  write(in / "log.jsonl", before + "{\"epoch\":2}\n");  // another run's, after the last checkpoint
  const auto with_more = read(in / "log.jsonl");
  CHECK(complaint([&] {
          (void)run(-1, json_lines{.path = in / "log.jsonl"}, checkpoints{.folder = in.path});
        }) == "rolewise: " + (in / "last.checkpoint") + ": " + this_process + "folder");
  CHECK(read(in / "log.jsonl") == with_more);
  other.on(fit_end{history, ending::failed});
  CHECK_FALSE(std::filesystem::exists(in / "run.lock"));

  // The other run ended between the reading and the beginning of this one.
  checkpoints late{.folder = in.path};
  (void)late.kept();
  write_snapshot(in / "last.checkpoint", read_snapshot(in / "last.checkpoint"));
  CHECK(complaint([&] { late.on(fit_begin{signature, history, 0, 4, true}); }) ==
        "rolewise: " + (in / "last.checkpoint") +
            ": was written by another process while it was read: resume once more");

  // Runs one after the other are accepted, also with copies of callbacks that were used before.
  auto copy = keeper;
  (void)run(3, json_lines{.path = in / "log.jsonl"}, copy);
  (void)run(-1, json_lines{.path = in / "log.jsonl"}, keeper);
  CHECK(records_in(read(in / "log.jsonl")).size() == 4);
}

TEST_CASE("of two searches in one folder the second is refused")
{
  const folder in;
  const auto held = rolewise::detail::event_file{in / "history.jsonl"};
  CHECK(complaint([&] { (void)search_in(in.path, 100); }) ==
        "rolewise: " + (in / "history.jsonl") + ": is being written by this process (" +
            std::to_string(::getpid()) +
            "); wait until that search is over or choose another folder");
}

TEST_CASE("a log that was changed is noticed, one that has gone is written anew")
{
  const folder in;
  const auto log = in / "log.jsonl", table = in / "log.csv";
  const auto go_on = [&](std::int64_t until) {
    return complaint([&] {
      (void)run(until, json_lines{.path = log}, csv{.path = table}, checkpoints{.folder = in.path});
    });
  };
  REQUIRE(go_on(2) == "nothing");
  const auto whole = read(log), rows = read(table);
  const auto kept = read(in / "last.checkpoint");
  const auto advice =
      ": put it back, or move it away and its lines are written anew from the checkpoint";
  for (const std::size_t at : {std::size_t{3}, whole.size() / 2, whole.size() - 1}) {
    auto damaged = whole;
    damaged[at] = damaged[at] == '#' ? '$' : '#';
    write(log, damaged);
    CHECK(go_on(3) == "rolewise: " + log + ": is damaged: its first " +
                          std::to_string(whole.size()) +
                          " bytes are not those that the run to be resumed had written" + advice);
    CHECK(read(log) == damaged);
  }
  write(log, whole.substr(0, whole.size() - 1));
  CHECK(go_on(3) == "rolewise: " + log + ": has " + std::to_string(whole.size() - 1) +
                        " bytes, but the run to be resumed had written " +
                        std::to_string(whole.size()) + advice);
  write(log, whole);
  auto other_rows = rows;
  other_rows[rows.size() - 3] = other_rows[rows.size() - 3] == '1' ? '2' : '1';
  write(table, other_rows);
  CHECK(go_on(3).starts_with("rolewise: " + table + ": is damaged"));
  CHECK(read(in / "last.checkpoint") == kept);

  std::filesystem::remove(log);
  std::filesystem::remove(table);
  CHECK(go_on(2) == "nothing");
  CHECK(read(log) == whole);
  CHECK(read(table) == rows);
  CHECK(go_on(3) == "nothing");
  CHECK(read(log).starts_with(whole));

  CHECK(go_on(-1) == "nothing");
  CHECK(records_in(read(log)).size() == 4);
}

TEST_CASE("a run that begins does not add to the lines of another")
{
  const folder in;
  const auto log = in / "log.jsonl", table = in / "log.csv";
  write(log, "{\"seconds\":1}\n");  // a line of another program
  const auto begin = [&](std::int64_t from, auto callback) {
    return complaint([&] {
      auto step = a_step();
      (void)fit(step, data(), {.epochs = 4, .batch_size = 10, .from = from, .until = from + 2},
                callback);
    });
  };
  const auto refusal = [&](const std::string& path, int there, int from) {
    return "rolewise: " + path + ": holds " + std::to_string(there) +
           " epochs of a run already, and this run begins at epoch " + std::to_string(from) +
           ": resume that one, move the file away or choose another";
  };
  CHECK(begin(0, json_lines{.path = log}) == "nothing");
  CHECK(begin(0, csv{.path = table}) == "nothing");
  const auto lines = read(log), rows = read(table);
  CHECK(begin(0, json_lines{.path = log}) == refusal(log, 2, 0));
  CHECK(begin(1, csv{.path = table}) == refusal(table, 2, 1));
  CHECK(read(log) == lines);
  CHECK(read(table) == rows);

  // The checkpoint is missing.
  const folder lost;
  (void)run(2, json_lines{.path = lost / "log"}, checkpoints{.folder = lost.path});
  std::filesystem::remove(lost / "last.checkpoint");
  CHECK(complaint([&] {
          (void)run(-1, json_lines{.path = lost / "log"}, checkpoints{.folder = lost.path});
        }) == refusal(lost / "log", 2, 0));

  // A run in pieces continues its log.
  CHECK(begin(2, json_lines{.path = log}) == "nothing");
  CHECK(begin(2, csv{.path = table}) == "nothing");
  CHECK(lines_of(read(log)).size() == 5);
  CHECK(lines_of(read(table)).size() == 5);
  write(in / "marked.csv", "\xEF\xBB\xBF" + rows);
  CHECK(begin(0, csv{.path = in / "marked.csv"}) == refusal(in / "marked.csv", 2, 0));
  CHECK(begin(2, csv{.path = in / "marked.csv"}) == "nothing");
}

TEST_CASE("names that are no UTF-8 come out as U+FFFD wherever they are written")
{
  const std::string name = "caf\xE9\x01", repaired = "caf\xEF\xBF\xBD";
  epoch_record record;
  record.numbers = {{name, 1.0}};
  CHECK(nlohmann::json::parse(json_lines::line_of(record))["metrics"].contains(repaired + "\x01"));
  CHECK(csv::header_of(record).starts_with("epoch," + repaired));
  report::line_chart chart{.title = name, .x_label = name, .y_label = name};
  chart.curves.push_back({.name = name, .x = {0, 1}, .y = {0, 1}});
  const report::heat_map map{.title = name, .x_label = name, .row_labels = {name}, .rows = {{0.5}}};
  report::table rows{{name}};
  rows.add({name});
  search::search_history history{.strategy = name,
                                 .space = rates,
                                 .trials = 1,
                                 .epochs = 2,
                                 .evaluation_interval = 1,
                                 .seed = seed{1},
                                 .events = {}};
  history.events.push_back(testing::started(
      0, search::configuration{}.set("rate", 0.5).set("width", std::int64_t{1000})));
  for (const auto& text :
       {report::svg_text(chart), report::svg_text(map), rows.html(), rows.markdown(), rows.text(),
        report::search_page(history, {.title = name}),
        json_text(report::run_record{.name = name})}) {
    CHECK(rolewise::detail::is_utf8(text));
    CHECK(text.find(repaired) != std::string::npos);
  }
  for (const auto& text : {report::svg_text(chart), report::svg_text(map),
                           report::search_page(history, {.title = name})})
    CHECK(text.find('\x01') == std::string::npos);
  CHECK(rolewise::report::detail::xml_text("a\xEF\xBF\xBF"
                                           "b") ==
        "a\xEF\xBF\xBD"
        "b");

  // Names that must be the same when read back are refused instead.
  CHECK(complaint([&] { (void)json_text(search::configuration{}.set("a", name)); }) ==
        "rolewise: configuration: '" + repaired + "\x01' is no UTF-8, so no JSON can hold it");
  CHECK(complaint([&] {
          (void)json_text(search::search_space{{"a", search::choice_of{{"x", name}}}});
        }).starts_with("rolewise: search_space: '" + repaired));
}

TEST_CASE("every reader passes over a byte order mark and names UTF-16")
{
  const folder in;
  const std::string mark = "\xEF\xBB\xBF";
  const auto wide = [](const std::string& text) {
    std::string out = "\xFF\xFE";
    for (const char c : text) (out += c) += '\0';
    return out;
  };
  const auto path = in / "file";
  const augmentation_policy policy;
  write(path, mark + json_text(policy));
  CHECK(read_policy(path) == policy);
  write(path, wide(json_text(policy)));
  CHECK(complaint([&] { (void)read_policy(path); }) ==
        "rolewise: " + path + ":1:1: found UTF-16, want UTF-8");
  write(path, mark + "{?");
  CHECK(complaint([&] { (void)read_policy(path); }).starts_with("rolewise: " + path + ":1:2: "));

  const auto events = one_event(1, 2);
  write(path, mark + policy_log_text(events, log_dialect::python));
  CHECK(read_policy_log(path).size() == 1);
  write(path, wide(policy_log_text(events, log_dialect::python)));
  CHECK(complaint([&] { (void)read_policy_log(path); }) ==
        "rolewise: " + path + ":1:1: found UTF-16, want UTF-8");

  write(path, mark + json_text(rates));
  CHECK(search::read_space(path) == rates);
  write(path, mark + json_text(report::run_record{.name = "n"}));
  CHECK(report::read_run_record(path).name == "n");

  const search::search_history history{.strategy = "s",
                                       .space = rates,
                                       .trials = 1,
                                       .epochs = 2,
                                       .evaluation_interval = 1,
                                       .seed = seed{1},
                                       .events = {}};
  search::write_search_history(path, history);
  write(path, mark + read(path));
  CHECK(search::read_search_history(path).strategy == "s");
  write(path, wide("{\"search_history\": 1}\n"));
  CHECK(complaint([&] { (void)search::read_search_history(path); }) ==
        "rolewise: " + path + ": is damaged at byte 0: is in UTF-16, want UTF-8");
}
