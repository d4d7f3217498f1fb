// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "fuzz/policy_log_round_trips.hpp"

#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/operation_by_name.hpp>
#include <rolewise/policy/policy_log.hpp>
#include <rolewise/policy/policy_text.hpp>
#include <rolewise/policy/searched_schedule.hpp>
#include <rolewise/support/file.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

// The root of the repository; the working directory if CMake does not define it.
#ifndef ROLEWISE_SOURCE_FOLDER
#define ROLEWISE_SOURCE_FOLDER "."
#endif

namespace rw = rolewise;
using rw::operation;

namespace {

using numbers = std::vector<std::int64_t>;

const std::string schedules = ROLEWISE_SOURCE_FOLDER "/examples/schedules/";
const std::string corpus = ROLEWISE_SOURCE_FOLDER "/tests/fuzz/corpus/policy_log";

/// A random policy, different for each number.
rw::augmentation_policy policy_number(std::uint64_t number)
{
  const rw::draws of_policy{rw::seed{5}.split(rw::purpose{"policy"}), 0,
                            static_cast<std::int64_t>(number)};
  numbers levels;
  for (std::uint64_t i = 0; i < 60; ++i) levels.push_back(of_policy.below(i, i % 2 == 0 ? 11 : 10));
  return rw::augmentation_policy{levels};
}

/// A policy with these levels at these indices and zeros elsewhere.
rw::augmentation_policy policy_with(const std::map<std::size_t, std::int64_t>& levels)
{
  numbers all(60);
  for (const auto& [place, level] : levels) all[place] = level;
  return rw::augmentation_policy{all};
}

/// The log of a search over 200 epochs: six stale lines, then a chain whose copies were taken at
/// epochs 57, 60, 132 and 171.
std::vector<rw::exploit_event> log_with_stale_lines()
{
  std::vector<rw::exploit_event> events;
  const auto add = [&](std::int64_t target, std::int64_t clone, std::int64_t iteration) {
    const auto count = events.size();
    events.push_back({target, clone, iteration + 1, iteration,
                      count == 0 || count == 6 ? rw::augmentation_policy{} : policy_number(count),
                      policy_number(count + 1)});
  };
  add(10, 2, 21);
  add(4, 10, 30);
  add(7, 4, 30);
  add(3, 9, 33);  // stale twice: 9 had no log when 3 copied it
  add(11, 3, 36);
  add(0, 11, 42);
  add(8, 2, 57);
  add(3, 8, 60);
  add(12, 3, 132);
  add(0, 12, 171);
  return events;
}

numbers epochs_of(const std::vector<rw::search_segment>& segments)
{
  numbers result;
  for (const auto& segment : segments) result.push_back(segment.epochs);
  return result;
}
numbers checksums_of(const std::vector<rw::search_segment>& segments)
{
  numbers result;
  for (const auto& segment : segments) result.push_back(rw::weighted_checksum(segment.policy));
  return result;
}
numbers starts_of(const rw::policy_schedule& schedule)
{
  numbers result;
  for (const auto& segment : schedule.segments()) result.push_back(segment.first_epoch);
  return result;
}

std::string complaint(const std::function<void()>& f)
{
  try {
    f();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "accepted";
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

template<typename T>
std::string printed(const T& x)
{
  std::ostringstream out;
  out << x;
  return out.str();
}

std::string zeros(int count)
{
  std::string text = "[";
  for (int i = 0; i < count; ++i) text += i == 0 ? "0" : ", 0";
  return text + "]";
}

class scratch_file {
 public:
  explicit scratch_file(const std::string& name)
      : path_{(std::filesystem::temp_directory_path() /
               ("rolewise-policy-" + std::to_string(::getpid()) + "-" + name))
                  .string()}
  {}
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;
  ~scratch_file() { std::remove(path_.c_str()); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::vector<std::string> corpus_texts()
{
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator{corpus})
    paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> texts;
  for (const auto& path : paths) texts.push_back(rw::support::text_of_file(path));
  return texts;
}

}  // namespace

TEST_CASE("the published schedules have the segments and checksums that they should have")
{
  const auto cifar_log = rw::read_policy_log(schedules + "rcifar10_16_wrn.txt");
  CHECK(cifar_log.size() == 16);
  CHECK(rw::without_stale_events(cifar_log) == cifar_log);
  const auto cifar = rw::search_segments(cifar_log, 200);
  CHECK(epochs_of(cifar) == numbers{12, 22, 20, 20, 1, 6, 3, 27, 6, 21, 6, 9, 7, 17, 6, 12, 5});
  CHECK(checksums_of(cifar) == numbers{0, 2177, 3587, 5003, 5281, 6426, 7499, 7559, 8346, 8876,
                                       9126, 8988, 9168, 9113, 9737, 9050, 8803});
  CHECK(rw::weighted_checksum(cifar) == 1292375);

  const auto svhn_log = rw::read_policy_log(schedules + "rsvhn_16_wrn.txt");
  CHECK(svhn_log.size() == 13);
  CHECK(rw::without_stale_events(svhn_log) == svhn_log);
  const auto svhn = rw::search_segments(svhn_log, 160);
  CHECK(epochs_of(svhn) == numbers{9, 15, 6, 8, 7, 24, 6, 25, 4, 4, 39, 6, 6, 1});
  CHECK(checksums_of(svhn) ==
        numbers{0, 1947, 4345, 7484, 8178, 7860, 8519, 9609, 10035, 9746, 9593, 9667, 9669, 10256});
  CHECK(rw::weighted_checksum(svhn) == 1231895);

  CHECK(cifar_log[0].target == 9);
  CHECK(cifar_log[0].clone == 8);
  CHECK(cifar_log[0].target_iteration == 11);
  CHECK(cifar_log[0].clone_iteration == 12);
  CHECK(cifar_log[6].target == 10);
  CHECK(cifar[1].policy.magnitude(0) == 3);
  CHECK(cifar[1].policy.probability(1) == 3);
  CHECK(cifar[1].policy.magnitude(1) == 7);
}

TEST_CASE("a published schedule is stretched to a training of any length")
{
  // [schedule]
  const auto log = rw::read_policy_log(schedules + "rcifar10_16_wrn.txt");
  const auto segments = rw::search_segments(rw::without_stale_events(log), 200);
  const rw::policy_agent agent{.policy = rw::stretched(segments, 1800)};
  // [/schedule]
  CHECK(starts_of(agent.policy) == numbers{0, 108, 306, 486, 666, 675, 729, 756, 999, 1053, 1242,
                                           1296, 1377, 1440, 1593, 1647, 1755});
  CHECK(agent.policy.at(1754) == segments[15].policy);
  CHECK(agent.policy.at(1755) == segments[16].policy);
  CHECK(starts_of(rw::stretched(segments, 100)) ==
        numbers{0, 6, 17, 27, 37, 40, 41, 54, 57, 67, 70, 74, 77, 85, 88, 94});
  const auto svhn = rw::search_segments(rw::read_policy_log(schedules + "rsvhn_16_wrn.txt"), 160);
  CHECK(starts_of(rw::stretched(svhn, 90)) ==
        numbers{0, 5, 13, 16, 20, 23, 36, 39, 53, 55, 57, 78, 81, 84});
}

TEST_CASE("stale lines are dropped, and what is left begins where it should at every length")
{
  const auto log = log_with_stale_lines();
  const auto kept = rw::without_stale_events(log);
  REQUIRE(kept.size() == 4);
  CHECK(std::equal(kept.begin(), kept.end(), log.begin() + 6));
  const auto segments = rw::search_segments(kept, 200);
  CHECK(epochs_of(segments) == numbers{57, 3, 72, 39, 29});
  CHECK(segments[0].policy == rw::augmentation_policy{});
  for (std::size_t i = 1; i < 5; ++i) CHECK(segments[i].policy == log[i + 5].new_policy);

  const auto starts = [&](std::int64_t epochs) {
    return starts_of(rw::stretched(segments, epochs));
  };
  CHECK(starts(200) == numbers{0, 57, 60, 132, 171});
  CHECK(starts(100) == numbers{0, 28, 29, 65, 84});
  CHECK(starts(240) == numbers{0, 68, 71, 157, 203});
  CHECK(starts(300) == numbers{0, 85, 89, 197, 255});
  CHECK(starts(90) == numbers{0, 25, 26, 58, 75});
  CHECK(starts(1800) == numbers{0, 513, 540, 1188, 1539});
}

TEST_CASE("stretching is the list with an entry for each epoch, for every length")
{
  const auto log = rw::read_policy_log(schedules + "rcifar10_16_wrn.txt");
  const auto segments = rw::search_segments(log, 200);
  int complete = 0;
  for (std::int64_t epochs = 1; epochs <= 450; ++epochs) {
    const double factor = static_cast<double>(epochs) / 200.0;
    std::vector<const rw::augmentation_policy*> list;
    for (const auto& [length, policy] : segments)
      for (int i = 0; i < static_cast<int>(static_cast<double>(length) * factor); ++i)
        list.push_back(&policy);
    while (static_cast<int>(list.size()) < static_cast<int>(200.0 * factor))
      list.push_back(&segments.back().policy);
    // Rounding can make the list one too short; then the published code has no policy for the
    // last epoch.
    const auto listed = static_cast<std::int64_t>(list.size());
    complete += listed == epochs ? 1 : 0;
    const auto schedule = rw::stretched(segments, epochs);
    bool is_the_same = listed == epochs || listed == epochs - 1;
    for (std::int64_t epoch = 0; is_the_same && epoch < epochs; ++epoch)
      is_the_same = schedule.at(epoch) == (epoch < listed ? *list[static_cast<std::size_t>(epoch)]
                                                          : segments.back().policy);
    CHECK_MESSAGE(is_the_same, epochs);
  }
  CHECK(complete > 400);
}

TEST_CASE("stretching rounds as the published code does, and fills with the last policy")
{
  const auto a = policy_number(1), b = policy_number(2);
  // 90 * 70 / 100 is 63, but 90 * (70.0 / 100) is below.
  CHECK(starts_of(rw::stretched(std::vector<rw::search_segment>{{90, a}, {10, b}}, 70)) ==
        numbers{0, 62});
  // 49 * (1.0 / 49) is below 1: all segments vanish.
  const auto one = rw::stretched(std::vector<rw::search_segment>{{49, a}}, 1);
  CHECK(one == rw::policy_schedule{a});
  // The last segment rounds to 0 epochs, but gets the epoch that the others leave.
  const std::vector<rw::search_segment> three{{5, a}, {4, b}, {1, rw::augmentation_policy{}}};
  const auto five = rw::stretched(three, 5);
  CHECK(starts_of(five) == numbers{0, 2, 4});
  CHECK(five.at(4) == rw::augmentation_policy{});
  // Segments of 0 epochs are skipped.
  const std::vector<rw::search_segment> gaps{{0, b}, {2, a}, {0, b}};
  CHECK(rw::stretched(gaps, 4) == rw::policy_schedule{a});

  const auto stretch = [](const std::vector<rw::search_segment>& segments, std::int64_t epochs) {
    return refusal([&] { (void)rw::stretched(segments, epochs); });
  };
  CHECK(stretch(three, 0) == "rolewise: stretched: epochs is 0, want 1 .. 1000000000");
  CHECK(stretch({}, 5) == "rolewise: stretched: segments last 0 epochs together, want at least 1");
  CHECK(stretch({{0, a}}, 5) ==
        "rolewise: stretched: segments last 0 epochs together, want at least 1");
  CHECK(stretch({{3, a}, {-1, a}}, 5) ==
        "rolewise: stretched: segment 1 lasts -1 epochs, want 0 .. 999999997");
}

TEST_CASE("search_segments refuses what is no chain within the search")
{
  const auto refuses = [](const std::vector<rw::exploit_event>& events, std::int64_t epochs) {
    return refusal([&] { (void)rw::search_segments(events, epochs); });
  };
  auto log = log_with_stale_lines();
  CHECK(refuses(log, 200) ==
        "rolewise: search_segments: event 3 copies trial 9, want trial 7, which the event before "
        "is about");
  log = rw::without_stale_events(log);
  CHECK(refuses(log, 170) ==
        "rolewise: search_segments: event 3 copies trial 12 at iteration 171, want at most 170, "
        "the epochs of the search");
  CHECK(epochs_of(rw::search_segments(log, 171)) == numbers{57, 3, 72, 39, 0});
  log[2].clone_iteration = 59;
  CHECK(refuses(log, 200) ==
        "rolewise: search_segments: event 2 copies trial 3 at iteration 59, want at least 60, that "
        "of the event before");
  CHECK(refuses(log, 0) == "rolewise: search_segments: epochs is 0, want 1 .. 1000000000");
}

TEST_CASE("a schedule becomes segments again")
{
  const auto segments = rw::search_segments(rw::without_stale_events(log_with_stale_lines()), 200);
  CHECK(rw::search_segments(rw::stretched(segments, 200), 200) == segments);
  CHECK(refusal([&] { (void)rw::search_segments(rw::stretched(segments, 200), 171); }) ==
        "rolewise: search_segments: the last segment begins at epoch 171, want one below 171, the "
        "number of epochs");
}

TEST_CASE("the log of all trials gives each trial the schedule that its own log gives")
{
  // A search with the logs of Ray's scheduler: a replaced trial takes over the log of the trial
  // that it copies, if there is one, and appends a line.
  constexpr std::int64_t trials = 16, epochs = 120;
  std::size_t with_stale_lines = 0, without_log = 0;
  for (std::int64_t search = 0; search < 6; ++search) {
    std::map<std::int64_t, std::vector<rw::exploit_event>> logs;
    std::vector<rw::exploit_event> all;
    struct trial {
      std::int64_t iteration = 0, saved = 0;
      rw::augmentation_policy policy;
    };
    std::vector<trial> population(trials);
    for (std::int64_t round = 1; 3 * round <= epochs; ++round) {
      for (auto& one : population) {
        // A donor's checkpoint is its latest one or that of the interval before.
        one.saved = one.iteration;
        one.iteration = std::min(one.iteration + 3, epochs);
      }
      if (search < 3 && round % 4 != 0) continue;
      const rw::draws of_round{rw::seed{7}.split(rw::purpose{"search"}), round, search};
      for (std::uint64_t i = 0; i < (search < 3 ? 1 : 4); ++i) {
        // Few replacements leave trials without a log; good trials are copied more often.
        const auto target = of_round.below(4 * i, trials);
        const auto clone = of_round.below(4 * i + 1, of_round.coin(4 * i + 2) ? 4 : trials);
        if (target == clone) continue;
        auto& replaced = population[static_cast<std::size_t>(target)];
        const auto& donor = population[static_cast<std::size_t>(clone)];
        const auto copied = of_round.coin(4 * i + 3) ? donor.saved : donor.iteration;
        const rw::exploit_event event{target, clone,        replaced.iteration,
                                      copied, donor.policy, policy_number(1000 + all.size())};
        all.push_back(event);
        if (logs.contains(clone)) logs[target] = logs[clone];
        logs[target].push_back(event);
        replaced = {copied, copied, event.new_policy};
      }
    }
    const auto reread = rw::parse_policy_log(rw::policy_log_text(all, rw::log_dialect::json));
    CHECK(reread == all);
    for (std::int64_t one = 0; one < trials; ++one) {
      const auto lineage = rw::lineage_of(reread, one);
      const auto from_all = rw::search_segments(lineage, epochs);
      if (!logs.contains(one)) {
        ++without_log;
        CHECK(from_all == std::vector<rw::search_segment>{{epochs, {}}});
        continue;
      }
      const auto text = rw::policy_log_text(logs[one], rw::log_dialect::python);
      const auto kept = rw::without_stale_events(rw::parse_policy_log(text));
      with_stale_lines += kept.size() < logs[one].size() ? 1U : 0U;
      CHECK(kept == lineage);
      CHECK(rw::search_segments(kept, epochs) == from_all);
      CHECK(from_all.back().policy == population[static_cast<std::size_t>(one)].policy);
    }
  }
  CHECK(with_stale_lines > 10);
  CHECK(without_log > 3);
}

TEST_CASE("logs are read in both dialects and written back as the same events")
{
  const auto log = log_with_stale_lines();
  for (const auto dialect : {rw::log_dialect::json, rw::log_dialect::python})
    CHECK(rw::parse_policy_log(rw::policy_log_text(log, dialect)) == log);
  for (const auto* name : {"rcifar10_16_wrn.txt", "rsvhn_16_wrn.txt"}) {
    const auto text = rw::support::text_of_file(schedules + name);
    CHECK(rw::policy_log_text(rw::parse_policy_log(text), rw::log_dialect::python) == text);
  }
  const auto json = rw::policy_log_text(log, rw::log_dialect::json);
  const auto first = nlohmann::json::parse(json.substr(0, json.find('\n')));
  CHECK(first[0] == "10");
  CHECK(first[1] == "2");
  CHECK(first[2] == 22);
  CHECK(first[3] == 21);
  CHECK(first[5]["hp_policy"] == nlohmann::json(log[0].new_policy.levels()));

  const scratch_file file{"log.txt"};
  rw::write_policy_log(file.path(), log, rw::log_dialect::json);
  CHECK(rw::read_policy_log(file.path()) == log);

  CHECK(refusal([] { (void)rw::policy_log_text({}, rw::log_dialect::json); }) ==
        "rolewise: policy_log_text: got no event, want at least one");
  auto negative = log;
  negative[3].clone = -1;
  CHECK(refusal([&] { (void)rw::policy_log_text(negative, rw::log_dialect::json); }) ==
        "rolewise: policy_log_text: trials are 3 and -1, iterations 34 and 33, want at least 0");
}

TEST_CASE("a log is read whatever stands beside hp_policy, and without its last newline")
{
  const auto levels = zeros(60);
  const auto one = [&](const std::string& before, const std::string& after) {
    const auto events = rw::parse_policy_log("[\"10\", \"2\", 20, 21, " + before + ", " + after);
    REQUIRE(events.size() == 1);
    CHECK(events[0].target == 10);
    CHECK(events[0].clone == 2);
    CHECK(events[0].new_policy == rw::augmentation_policy{});
  };
  one(levels, levels + "]");
  one(levels, levels + "]\n");
  one(levels, levels + "]\r\n");
  one(levels, levels + " ] \t\n");
  one("{\"hp_policy\": " + levels + "}", "{\"lr\": 1e-05, \"hp_policy\":" + levels + "}]");
  one("{'a': {'hp_policy': [1, {}]}, 'hp_policy': " + levels + ", 'b': None}",
      "{u'hp_policy': " + levels +
          ", 'c': (True, False, (1,), ()), 'e': {7: -2.5}, 'd\\'': \"'\"}]");
  one("{\"x\": [null, true, false, NaN, -Infinity, \"\\\"]\\u0041\"], \"hp_policy\": " + levels +
          "}",
      "{\"hp_policy\": " + levels + ", \"deep\": " + std::string(60, '[') + std::string(60, ']') +
          "}]");

  const auto two = rw::parse_policy_log("['007', '2', 0, 0, " + levels + ", " + levels +
                                        "]\n[u'3', u'7', 0, 0, " + levels + ", " + levels + "]");
  REQUIRE(two.size() == 2);
  CHECK(two[0].target == 7);
  CHECK(two[1].target == 3);
}

TEST_CASE("blank lines, Windows' line ends and a byte order mark change nothing in a log")
{
  const auto log = log_with_stale_lines();
  const auto plain = rw::policy_log_text(log, rw::log_dialect::json);
  std::string of_windows = "\xEF\xBB\xBF", spaced = "\n \n";
  for (const char c : plain) {
    of_windows += c == '\n' ? "\r\n" : std::string{c};
    spaced += c == '\n' ? "\n\r\n \t\n" : std::string{c};
  }
  for (const auto& text : {plain + "\n", plain + "\n\n  ", of_windows, of_windows + "\r\n",
                           "\xEF\xBB\xBF\n" + plain, spaced}) {
    CHECK(rw::parse_policy_log(text) == log);
    CHECK_FALSE(rw::is_policy_document(text));
  }
  // Line numbers are those of the file.
  CHECK(rw::parse_policy_log(plain)[1].line == 2);
  CHECK(rw::parse_policy_log(spaced)[1].line == 6);
}

TEST_CASE("what is no chain is refused with the file and the line that it was read from")
{
  const auto refuses = [](const auto& what, std::int64_t epochs, std::string_view source) {
    return refusal([&] { (void)rw::search_segments(what, epochs, source); });
  };
  const auto text = "\n" + rw::policy_log_text(log_with_stale_lines(), rw::log_dialect::python);
  const auto log = rw::parse_policy_log(text, "log.txt");
  CHECK(refuses(log, 200, "log.txt") ==
        "rolewise: search_segments: log.txt:5: event 3 copies trial 9, want trial 7, which the "
        "event before is about");
  const auto kept = rw::without_stale_events(log);
  CHECK(refuses(kept, 170, "log.txt") ==
        "rolewise: search_segments: log.txt:11: event 3 copies trial 12 at iteration 171, want at "
        "most 170, the epochs of the search");
  CHECK(refuses(kept, 170, "") ==
        "rolewise: search_segments: line 11: event 3 copies trial 12 at iteration 171, want at "
        "most 170, the epochs of the search");
  CHECK(refuses(log_with_stale_lines(), 200, "log.txt") ==
        "rolewise: search_segments: log.txt: event 3 copies trial 9, want trial 7, which the event "
        "before is about");
  const auto schedule = rw::stretched(rw::search_segments(kept, 200), 200);
  CHECK(refuses(schedule, 171, "best.json") ==
        "rolewise: search_segments: best.json: the last segment begins at epoch 171, want one "
        "below 171, the number of epochs");
}

TEST_CASE("the JSON of policies may begin with a byte order mark and have Windows' line ends")
{
  const rw::policy_schedule schedule{
      std::vector<rw::policy_segment>{{0, policy_number(1)}, {57, policy_number(2)}}};
  std::string text = "\xEF\xBB\xBF";
  for (const char c : rw::json_text(schedule)) text += c == '\n' ? "\r\n" : std::string{c};
  CHECK(rw::is_policy_document(text));
  CHECK(rw::parse_policy_schedule(text) == schedule);
  CHECK(complaint([&] { (void)rw::parse_policy(text, "s.json"); }) ==
        "rolewise: s.json:2:15: found the document 'policy-schedule', want 'policy'");
}

TEST_CASE("what does not fit is an error with file, line and column")
{
  const auto good = "['1', '2', 3, 4, " + zeros(60) + ", " + zeros(60) + "]\n";
  const auto says = [&](const std::string& line) {
    const auto words = complaint([&] { (void)rw::parse_policy_log(good + line, "log.txt"); });
    const std::string head = "rolewise: log.txt:2:";
    return words.starts_with(head) ? words.substr(head.size()) : words;
  };
  CHECK(complaint([] { (void)rw::parse_policy_log("", "log.txt"); }) ==
        "rolewise: log.txt:1:1: found the end, want '['");
  CHECK(complaint([] { (void)rw::parse_policy_log("x"); }) ==
        "rolewise: policy log:1:1: found 'x', want '['");
  CHECK(complaint([] { (void)rw::parse_policy_log(" \r\n\n\t", "log.txt"); }) ==
        "rolewise: log.txt:3:2: found the end, want '['");
  CHECK(complaint([&] { (void)rw::parse_policy_log("\n" + good + "\n x", "log.txt"); }) ==
        "rolewise: log.txt:4:2: found 'x', want '['");
  CHECK(complaint([] {
          (void)rw::parse_policy_log(std::string_view{"\xFF\xFE[\0", 4}, "log.txt");
        }) == "rolewise: log.txt:1:1: found UTF-16, want UTF-8");
  CHECK(complaint([] { (void)rw::parse_policy(std::string_view{"\xFE\xFF\0{", 4}, "p.json"); }) ==
        "rolewise: p.json:1:1: found UTF-16, want UTF-8");
  CHECK(complaint([] { (void)rw::parse_policy_log("\xEF\xBB\xBFx", "log.txt"); }) ==
        "rolewise: log.txt:1:1: found 'x', want '['");
  CHECK(says("['1', '2'") == "10: found the end, want ','");
  CHECK(says("[1, '2', 3, 4]") == "2: found '1', want a trial in quotes");
  CHECK(says("['a1', '2', 3, 4]") == "2: found the trial 'a1', want digits");
  CHECK(says("['', '2', 3, 4]") == "2: found the trial '', want digits");
  CHECK(says("['-0', '2', 3, 4]") == "2: found the trial '-0', want digits");
  CHECK(says("['9223372036854775808', '2', 3, 4]") ==
        "2: found the trial '9223372036854775808', want digits");
  CHECK(says("['1\\t', '2', 3, 4]") == "2: found the trial '1\\t', want digits");
  CHECK(says("['1\t', '2', 3, 4]") == "4: found a control character in a string, want ' before it");
  CHECK(says("['1, 2") == "7: found the end in a string, want '");
  CHECK(says("['1\\") == "5: found the end in a string, want '");
  CHECK(says("['1', '2', 3.5, 4") == "12: found '3.5', want an iteration");
  CHECK(says("['1', '2', '3', 4") == "12: found a string, want an iteration");
  CHECK(says("['1', '2', -3, 4") == "12: found the iteration -3, want at least 0");
  CHECK(says("['1', '2', 03, 4") == "12: found '03', want an iteration");
  CHECK(says("['1', '2', 9223372036854775808, 4") ==
        "12: found '9223372036854775808', want an iteration");
  CHECK(says("['1', '2', True, 4") == "12: found 'True', want an iteration");
  CHECK(says("['1', '2', 3 4") == "14: found '4', want ','");
  CHECK(says("['1', '2', 3, 4, None") == "18: found 'None', want a list of levels or a dictionary");
  CHECK(says("['1', '2', 3, 4, " + zeros(59)) ==
        "18: got 59 levels, want 60: probability and magnitude of 30 pairs");
  CHECK(says("['1', '2', 3, 4, " + zeros(61)) ==
        "18: got 61 levels, want 60: probability and magnitude of 30 pairs");
  CHECK(says("['1', '2', 3, 4, [0, 10") ==
        "22: magnitude level of pair 0 (Rotate) is 10, want 0 .. 9");
  CHECK(says("['1', '2', 3, 4, [0, 0, 11") ==
        "25: probability level of pair 1 (TranslateX) is 11, want 0 .. 10");
  CHECK(says("['1', '2', 3, 4, [0, -1") ==
        "22: magnitude level of pair 0 (Rotate) is -1, want 0 .. 9");
  CHECK(says("['1', '2', 3, 4, [0, [") == "22: found '[', want a level");
  CHECK(says("['1', '2', 3, 4, [0; 0]") == "20: found ';', want ',' or ']'");
  CHECK(says("['1', '2', 3, 4, {'lr': 1}") ==
        "18: found a dictionary without 'hp_policy', want one with it");
  CHECK(says("['1', '2', 3, 4, {'hp_policy': " + zeros(60) + ", 'hp_policy': 1") ==
        "214: found 'hp_policy' twice, want it once");
  CHECK(says("['1', '2', 3, 4, {'a' 1") == "23: found '1', want ':'");
  CHECK(says("['1', '2', 3, 4, {'a': }") == "24: found '}', want a value");
  CHECK(says("['1', '2', 3, 4, {'a': nil") == "24: found 'nil', want a value");
  CHECK(says("['1', '2', 3, 4, {'a': \xC3\xA4") == "24: found a byte of value 195, want a value");
  CHECK(says("['1', '2', 3, 4, {'a': [1,]") == "27: found ']', want a value");
  CHECK(says("['1', '2', 3, 4, {a: 1}") == "19: found 'a', want a name in quotes");
  CHECK(says("['1', '2', 3, 4, {'a': " + std::string(70, '[')) ==
        "89: found more than 64 levels of nesting, want fewer");
  CHECK(says("['1', '2', 3, 4, " + zeros(60) + ", " + zeros(60) + ", 1]") ==
        "380: found ',', want ']'");
  CHECK(says("['1', '2', 3, 4, " + zeros(60) + ", " + zeros(60) + "] 1") ==
        "382: found '1', want the end");
  CHECK(says(std::string(3, '\0')) == "1: found a byte of value 0, want '['");
  CHECK(says(std::string(100, 'y')) ==
        "1: found 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy...', want '['");
}

TEST_CASE("files that cannot be read are errors with their names")
{
  CHECK(complaint([] { (void)rw::read_policy_log("no/such/log"); }) ==
        "rolewise: no/such/log: cannot be read: No such file or directory");
  CHECK(complaint([] { (void)rw::read_policy_schedule("/"); }) ==
        "rolewise: /: cannot be read: Is a directory");
  CHECK(complaint([] { (void)rw::support::text_of_file("/dev/zero", 100000); }) ==
        "rolewise: /dev/zero: has more than 100000 bytes, want at most those");
  const scratch_file file{"wrong.json"};
  rw::support::write_file_atomically(file.path(), "{\n  'rolewise': 1");
  CHECK(complaint([&] { (void)rw::read_policy(file.path()); }) ==
        "rolewise: " + file.path() + ":2:3: found ''', want a name in quotes");
}

TEST_CASE("policies print the pairs that they have, by name")
{
  CHECK(printed(rw::augmentation_policy{}) == "nothing");
  const auto policy = policy_with({{0, 3}, {1, 5}, {10, 10}, {59, 2}});
  CHECK(printed(policy) == "Rotate 0.3@5, Invert 1.0@0, Contrast 0.0@2");
  CHECK(printed(rw::policy_schedule{std::vector<rw::policy_segment>{{0, {}}, {57, policy}}}) ==
        "from epoch 0: nothing\nfrom epoch 57: Rotate 0.3@5, Invert 1.0@0, Contrast 0.0@2");
  CHECK(printed(rw::search_segment{3, policy_with({{2, 1}})}) == "for 3 epochs: TranslateX 0.1@0");
  CHECK(printed(rw::exploit_event{10, 2, 20, 21, {}, policy_with({{2, 1}})}) ==
        "trial 10 at iteration 20 copies trial 2 at 21: nothing -> TranslateX 0.1@0");
}

TEST_CASE("policies and schedules are written by name and read back as the same values")
{
  // Of Rotate only the second pair is active; the first one is written too, to tell the two
  // apart.
  const auto policy = policy_with({{2, 10}, {3, 9}, {30, 3}, {31, 5}});
  CHECK(rw::json_text(policy) == R"({
  "rolewise": "policy",
  "version": 1,
  "operations": [
    {"operation": "Rotate", "probability": 0, "magnitude": 0},
    {"operation": "TranslateX", "probability": 10, "magnitude": 9},
    {"operation": "Rotate", "probability": 3, "magnitude": 5}
  ]
}
)");
  CHECK(
      rw::json_text(rw::policy_schedule{std::vector<rw::policy_segment>{{0, {}}, {57, policy}}}) ==
      R"({
  "rolewise": "policy-schedule",
  "version": 1,
  "segments": [
    {
      "first_epoch": 0,
      "operations": []
    },
    {
      "first_epoch": 57,
      "operations": [
        {"operation": "Rotate", "probability": 0, "magnitude": 0},
        {"operation": "TranslateX", "probability": 10, "magnitude": 9},
        {"operation": "Rotate", "probability": 3, "magnitude": 5}
      ]
    }
  ]
}
)");
  const auto keeps = [](const rw::augmentation_policy& one) {
    CHECK(rw::parse_policy(rw::json_text(one)) == one);
    CHECK(rw::parse_policy_schedule(rw::json_text(one)) == rw::policy_schedule{one});
  };
  keeps({});
  keeps(policy);
  for (std::size_t place = 0; place < 60; ++place) keeps(policy_with({{place, 7}}));
  for (std::uint64_t i = 0; i < 20; ++i) keeps(policy_number(i));

  const auto segments =
      rw::search_segments(rw::read_policy_log(schedules + "rsvhn_16_wrn.txt"), 160);
  const auto schedule = rw::stretched(segments, 160);
  const auto text = rw::json_text(schedule);
  CHECK(rw::parse_policy_schedule(text) == schedule);
  const auto tree = nlohmann::json::parse(text);
  CHECK(tree["segments"].size() == 14);
  CHECK(tree["segments"][1]["first_epoch"] == 9);
  CHECK(rw::parse_policy_schedule(tree.dump()) == schedule);  // other order, no spaces

  const scratch_file file{"schedule.json"};
  rw::write_policy_schedule(file.path(), schedule);
  CHECK(rw::read_policy_schedule(file.path()) == schedule);
  rw::write_policy(file.path(), policy);
  CHECK(rw::read_policy(file.path()) == policy);
}

TEST_CASE("the JSON of policies is read strictly")
{
  const auto says = [](const std::string& text) {
    return complaint([&] { (void)rw::parse_policy_schedule(text, "s.json"); });
  };
  const auto of_operations = [&](const std::string& operations) {
    return says("{\"rolewise\": \"policy\", \"version\": 1,\n\"operations\": " + operations + "}");
  };
  const auto of_segments = [&](const std::string& segments) {
    return says("{\"rolewise\": \"policy-schedule\", \"version\": 1,\n\"segments\": " + segments +
                "}");
  };
  CHECK(of_operations("[]") == "accepted");
  CHECK(of_operations("[{\"operation\": \"Rotat\"}]") ==
        "rolewise: s.json:2:30: found the operation 'Rotat', want one of a policy; is it "
        "'Rotate'?");
  CHECK(of_operations("[{\"operation\": \"Rotate\"}]") ==
        "rolewise: s.json:2:16: found no 'probability', want it once");
  CHECK(of_operations("[{\"operation\": \"Rotate\", \"probability\": 3, \"level\": 5}]") ==
        "rolewise: s.json:2:58: found 'level', want one of operation, probability, magnitude");
  CHECK(of_operations("[{\"operation\": \"Rotate\", \"operation\": \"Rotate\"}]") ==
        "rolewise: s.json:2:40: found 'operation' twice, want it once");
  CHECK(of_operations("[{\"operation\": \"Rot\\u0061te\"}]") ==
        "rolewise: s.json:2:34: found an escape, want a name without any");
  CHECK(of_operations("[{\"probability\": 11, \"magnitude\": 5, \"operation\": \"Invert\"}]") ==
        "rolewise: s.json:2:32: probability level of pair 5 (Invert) is 11, want 0 .. 10");
  CHECK(of_operations("[{\"probability\": 0.3, \"magnitude\": 5, \"operation\": \"Invert\"}]") ==
        "rolewise: s.json:2:32: found '0.3', want a level");
  const std::string pair = "{\"operation\": \"Color\", \"probability\": 1, \"magnitude\": 10}";
  CHECK(of_operations("[" + pair + "]") ==
        "rolewise: s.json:2:70: magnitude level of pair 4 (Color) is 10, want 0 .. 9");
  const std::string fine = "{\"operation\": \"Color\", \"probability\": 1, \"magnitude\": 9}";
  CHECK(of_operations("[" + fine + "," + pair + "]") ==
        "rolewise: s.json:2:127: magnitude level of pair 19 (Color) is 10, want 0 .. 9");
  CHECK(of_operations("[" + fine + "," + fine + "," + fine + "]") ==
        "rolewise: s.json:2:130: found 'Color' a third time, want at most two pairs");
  CHECK(of_operations("[" + fine + ",]") == "rolewise: s.json:2:73: found ']', want a value");
  CHECK(of_operations("[" + fine + "]}") == "rolewise: s.json:2:74: found '}', want the end");

  CHECK(of_segments("[]") == "rolewise: s.json:2:13: found no segment, want at least one");
  CHECK(of_segments("[{\"first_epoch\": 1, \"operations\": []}]") ==
        "rolewise: s.json:2:30: found the first epoch 1, want 0");
  const std::string begin = "[{\"first_epoch\": 0, \"operations\": []}, {\"first_epoch\": ";
  CHECK(of_segments(begin + "0, \"operations\": []}]") ==
        "rolewise: s.json:2:68: found the first epoch 0, want at least 1");
  CHECK(of_segments(begin + "3, \"operations\": []}]") == "accepted");
  CHECK(of_segments("[{\"operations\": []}]") ==
        "rolewise: s.json:2:14: found no 'first_epoch', want it once");

  CHECK(says("") == "rolewise: s.json:1:1: found the end, want '{'");
  CHECK(says("{}") ==
        "rolewise: s.json:1:1: found no 'rolewise', want it to be 'policy-schedule' or 'policy'");
  CHECK(says("{\"epochs\": ") == "rolewise: s.json:1:12: found the end, want a value");
  CHECK(says("{\"rolewise\": \"run\"}") ==
        "rolewise: s.json:1:14: found the document 'run', want 'policy-schedule' or 'policy'");
  CHECK(says("{\"rolewise\": \"policy\", \"version\": 2}") ==
        "rolewise: s.json:1:35: found version 2, want 1");
  CHECK(says("{\"rolewise\": \"policy\", \"segments\": []}") ==
        "rolewise: s.json:1:24: found 'segments', want one of rolewise, version, operations");
  CHECK(says("{\"rolewise\": \"policy\", \"version\": 1}") ==
        "rolewise: s.json:1:1: found no 'operations', want it once");
  CHECK(complaint([] { (void)rw::parse_policy("{\"rolewise\": \"policy-schedule\"}"); }) ==
        "rolewise: policy:1:14: found the document 'policy-schedule', want 'policy'");
}

TEST_CASE("operations are found by name, and the nearest is suggested")
{
  for (std::int64_t i = 0; i < rw::policy_operations; ++i) {
    const auto what = static_cast<operation>(i);
    CHECK(rw::find_operation(rw::name(what)) == what);
    CHECK(rw::operation_named(rw::name(what)) == what);
    CHECK(rw::nearest_operation(rw::name(what)) == what);
  }
  CHECK_FALSE(rw::find_operation("Identity"));
  CHECK_FALSE(rw::find_operation("rotate"));
  CHECK(rw::nearest_operation("rotate") == operation::rotate);
  CHECK(rw::nearest_operation("translate_y") == operation::translate_y);
  CHECK(rw::nearest_operation("sheary") == operation::shear_y);
  CHECK(rw::nearest_operation("Color") == operation::color);
  CHECK(rw::nearest_operation("Solarize") == operation::solarize);
  CHECK(rw::nearest_operation("Equalize") == operation::equalize);
  CHECK(rw::nearest_operation("Posterize") == operation::posterize);
  CHECK(rw::support::edit_distance("kitten", "sitting") == 3);
  CHECK(rw::support::edit_distance("", "abc") == 3);
  CHECK(rw::support::edit_distance("abc", "") == 3);
  CHECK(refusal([] { (void)rw::operation_named("Sharpnes"); }) ==
        "rolewise: operation_named: no operation of a policy is called 'Sharpnes'; the nearest is "
        "'Sharpness'");
}

TEST_CASE("no bytes crash the readers, and what they accept round-trips")
{
  const auto texts = corpus_texts();
  REQUIRE(texts.size() >= 8);
  std::size_t logs = 0, documents = 0;
  for (const auto& text : texts) {
    logs += rw::testing::log_round_trips(text) ? 1U : 0U;
    documents += rw::testing::schedule_round_trips(text) ? 1U : 0U;
  }
  CHECK(logs >= 5);
  CHECK(documents >= 2);

  // Fuzzing, with the same mutants each time.
  constexpr std::string_view pieces = "[]{}(),:'\"\\u0019-.eN\n\r\t \0\xFF";
  constexpr std::int64_t mutants = 6000;
  std::int64_t accepted = 0;
  for (std::int64_t i = 0; i < mutants; ++i) {
    const rw::draws of_mutant{rw::seed{9}.split(rw::purpose{"mutant"}), 0, i};
    std::uint64_t drawn = 0;
    const auto below = [&](std::size_t bound) {
      return static_cast<std::size_t>(
          of_mutant.below(drawn++, static_cast<std::int64_t>(std::max<std::size_t>(bound, 1))));
    };
    auto mutant = texts[below(texts.size())];
    for (auto edits = 1 + below(3); edits > 0; --edits) {
      const auto where = below(mutant.size());
      switch (below(5)) {
        case 0:
          mutant[where] = pieces[below(pieces.size())];
          break;
        case 1:
          mutant.insert(where, 1, pieces[below(pieces.size())]);
          break;
        case 2:
          mutant.erase(where, 1 + below(8));
          break;
        case 3: {
          const auto& other = texts[below(texts.size())];
          const auto from = below(other.size());
          mutant.insert(where, other.substr(from, below(40)));
          break;
        }
        default:
          mutant.resize(where + 1);
      }
    }
    accepted += rw::testing::log_round_trips(mutant) ? 1 : 0;
    accepted += rw::testing::schedule_round_trips(mutant) ? 1 : 0;
  }
  CHECK(accepted > mutants / 100);
  CHECK(accepted < mutants / 2);
}
