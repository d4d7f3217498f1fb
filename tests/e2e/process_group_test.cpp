// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A search on one, two and three processes. The child processes are this program again, controlled
// by an environment variable.
#include "support/doctest.hpp"

#include "support/child.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/search/search_history_file.hpp>
#include <rolewise/train/checkpoint.hpp>
#include <rolewise/train/distributed/process_group.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/supervised.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace rolewise;
using namespace std::chrono_literals;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

namespace {

constexpr const char* variable = "ROLEWISE_RANK_OF_SEARCH";

/// A strategy: the worst unfinished trial copies the best one and continues at a random
/// configuration. In every third round, the copied state is one round old, unless the best one had
/// failed then.
struct worst_becomes_best {
  static constexpr std::string_view name = "worst-becomes-best";
  static constexpr bool reads_history = true;
  [[nodiscard]] std::vector<search::decision> operator()(
      const search::search_space& space, const std::vector<search::trial_state>& all,
      seed key) const
  {
    const auto draw = [&](const search::trial_state& s) {
      return space.sample(
          key.split(static_cast<std::uint64_t>(s.trial)).split(std::uint64_t{s.past.size()}));
    };
    const auto worse = [](const search::trial_state& a, const search::trial_state& b) {
      return a.score < b.score;
    };
    const auto& best = *std::max_element(all.begin(), all.end(), worse);
    std::vector<search::trial_state> left;
    for (const auto& s : all)
      if (!s.finished) left.push_back(s);
    const auto& worst = *std::min_element(left.begin(), left.end(), worse);
    const auto evaluations = best.past.size();
    const bool may_read_history =
        evaluations % 3 == 2 && best.past[evaluations - 2].score != search::failed_score;
    std::vector<search::decision> decisions;
    for (const auto& s : all) {
      if (s.finished) continue;
      if (!s.at)
        decisions.emplace_back(search::start_trial{s.trial, draw(s)});
      else if (s.trial == worst.trial && best.trial != worst.trial)
        decisions.emplace_back(
            search::exploit_trial{best.trial, s.trial, draw(s), may_read_history ? 1 : 0});
      else
        decisions.emplace_back(search::keep_trial{s.trial});
    }
    return decisions;
  }
};

/// Runs the search, distributed if `process_group` is a `process_group`. The state of a trial is
/// larger than one message of the store.
template<typename... ProcessGroup>
auto searched(const std::string& folder, double seconds_each, ProcessGroup&... process_group)
{
  const auto data = tiny_data(48), validation = tiny_data(60, seed{9}, "validation");
  return run_search(
      process_group..., worst_becomes_best{},
      search::search_space{
          {"rate", search::real_interval{1e-3, 0.3, search::spacing::logarithmic}}},
      [&](const search::configuration& at, std::int64_t, seed own) {
        return supervised{.student = tiny_student{data.shape, own, 45000},
                          .optimizer = sgd{.learning_rate = at.real("rate")},
                          .seed = own};
      },
      [&](const auto& step) {
        std::this_thread::sleep_for(std::chrono::duration<double>(seconds_each));
        const auto of_third = seed{5}.split(purpose{"trial"}).split(std::uint64_t{3});
        if (step.seed.value == of_third.value && step.learner_state.updates() == 2)
          diverge("metric", "trial 3 fails at first");
        return -evaluate(step.evaluated(), validation).loss;
      },
      data,
      {.trials = 5,
       .epochs = 4,
       .batch_size = 24,
       .seed = seed{5},
       .threads_per_trial = 1,
       .folder = folder});
}

/// A free TCP port.
std::int64_t free_port()
{
  const int number = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(::bind(number, reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(::getsockname(number, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  ::close(number);
  return ntohs(address.sin_port);
}

/// The work of a child process; writes errors into the folder.
void search_as(const std::string& words)
{
  std::istringstream in{words};
  process_group_options options;
  std::string folder;
  double seconds_each = 0.0;
  in >> options.rank >> options.size >> options.port >> options.heartbeat_timeout >> seconds_each >>
      folder;
  try {
    process_group process_group{options};
    const auto found = searched(folder, seconds_each, process_group);
    for (std::int64_t i = 0; i < 5; ++i)
      if (found.steps[static_cast<std::size_t>(i)].has_value() !=
          (i % options.size == options.rank &&
           !found.trial_states[static_cast<std::size_t>(i)].failed))
        throw std::runtime_error{"has the wrong trials"};
    search::write_search_history(folder + "/seen-by-" + std::to_string(options.rank),
                                 found.history);
  } catch (const std::exception& wrong) {
    std::ofstream{folder + "/error-of-" + std::to_string(options.rank)} << wrong.what();
    std::_Exit(3);
  }
}

struct family {
  std::vector<pid_t> children;

  family(std::int64_t size, const std::string& folder, double heartbeat_timeout,
         double seconds_each = 0.0)
  {
    const auto port = free_port();
    for (std::int64_t rank = 0; rank < size; ++rank)
      children.push_back(rolewise::testing::start_child(
          variable,
          c10::str(rank, " ", size, " ", port, " ", heartbeat_timeout, " ", seconds_each, " ",
                   folder),
          "e2e/process_group_test.cpp"));
  }
  family(const family&) = delete;
  family& operator=(const family&) = delete;
  ~family()
  {
    for (const auto child : children)
      if (child > 0) ::kill(child, SIGKILL), ::waitpid(child, nullptr, 0);
  }
  /// The exit status of a child; -1 if it was killed.
  int status_of(std::size_t rank)
  {
    int status = 0;
    REQUIRE(::waitpid(children[rank], &status, 0) == children[rank]);
    children[rank] = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
};

struct folder_of_search {
  std::string path;
  explicit folder_of_search(const std::string& name)
      : path{(std::filesystem::temp_directory_path() /
              ("rolewise-search-ranks-" + std::to_string(::getpid()) + "-" + name))
                 .string()}
  {
    std::filesystem::create_directories(path);
  }
  folder_of_search(const folder_of_search&) = delete;
  folder_of_search& operator=(const folder_of_search&) = delete;
  ~folder_of_search() { std::filesystem::remove_all(path); }

  [[nodiscard]] search::search_history history(const char* file = "history.jsonl") const
  {
    return search::read_search_history(path + "/" + file);
  }
  [[nodiscard]] std::string text(const char* file) const
  {
    std::ostringstream all;
    all << std::ifstream{path + "/" + file}.rdbuf();
    return all.str();
  }
  [[nodiscard]] std::set<std::string> states() const
  {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{path})
      if (entry.path().extension() == ".checkpoint") names.insert(entry.path().filename().string());
    return names;
  }
};

void check_same(const folder_of_search& found, const folder_of_search& wanted)
{
  CHECK((found.history() == wanted.history()));
  CHECK((found.states() == wanted.states()));
  for (const auto& name : wanted.states())
    CHECK((rolewise::detail::encode(read_snapshot(found.path + "/" + name)) ==
           rolewise::detail::encode(read_snapshot(wanted.path + "/" + name))));
}

bool is_child()
{
  const char* words = std::getenv(variable);
  if (words != nullptr) search_as(words);
  return words != nullptr;
}

const folder_of_search& alone()
{
  static const folder_of_search folder{"alone"};
  static const bool is_done = [] {
    const auto found = searched(folder.path, 0.0);
    // Some copies cross between even and odd trials, and an odd trial fails, which must reach
    // rank 0.
    const auto& events = found.history.events;
    return std::any_of(events.begin(), events.end(),
                       [](const auto& e) {
                         return e.what == search::search_event::kind::copied &&
                                (*e.from - e.trial) % 2 != 0;
                       }) &&
           std::any_of(events.begin(), events.end(), [](const auto& e) {
             return e.what == search::search_event::kind::failed && e.trial % 2 != 0;
           });
  }();
  REQUIRE(is_done);
  return folder;
}

}  // namespace

TEST_CASE("two and three processes give the history and the bits of one")
{
  if (is_child()) return;
  for (const std::int64_t size : {2, 3}) {
    const folder_of_search shared{std::to_string(size)};
    family processes{size, shared.path, 60.0};
    for (std::size_t rank = 0; rank < processes.children.size(); ++rank)
      CHECK(processes.status_of(rank) == 0);
    check_same(shared, alone());
    for (std::int64_t rank = 0; rank < size; ++rank)
      CHECK((shared.history(("seen-by-" + std::to_string(rank)).c_str()) == alone().history()));
  }
}

TEST_CASE("when a process disappears the others stop and name it, and the history can be continued")
{
  if (std::getenv(variable) != nullptr) return;
  for (const std::size_t victim : {std::size_t{1}, std::size_t{0}}) {
    const folder_of_search shared{"killed-" + std::to_string(victim)};
    {
      family processes{2, shared.path, 4.0, 0.1};
      while (::access((shared.path + "/history.jsonl").c_str(), F_OK) != 0 ||
             shared.text("history.jsonl").find("scored") == std::string::npos)
        std::this_thread::sleep_for(5ms);
      ::kill(processes.children[victim], SIGKILL);
      CHECK(processes.status_of(victim) == -1);
      CHECK(processes.status_of(1 - victim) == 3);
    }
    const auto words = shared.text(victim == 1 ? "error-of-0" : "error-of-1");
    CHECK(words.starts_with(
        victim == 1 ? "rolewise: process_group: rank 1 of 2 has disappeared: no sign of life"
                    : "rolewise: process_group: rank 0 has disappeared"));
    CHECK(shared.history().events.size() < alone().history().events.size());
    const auto found = searched(shared.path, 0.0);
    check_same(shared, alone());
  }
}

TEST_CASE("the first process waits join_timeout for the others, not heartbeat_timeout")
{
  if (std::getenv(variable) != nullptr) return;
  const auto port = free_port();
  const auto come = [&](std::int64_t rank) {
    const process_group process_group{
        {.rank = rank, .size = 2, .port = port, .heartbeat_timeout = 0.5, .join_timeout = 60.0}};
  };
  auto late = std::async(std::launch::async, [&] {
    std::this_thread::sleep_for(1s);
    come(1);
  });
  CHECK_NOTHROW(come(0));
  CHECK_NOTHROW(late.get());
}

TEST_CASE("ranks say what is wrong with them")
{
  if (std::getenv(variable) != nullptr) return;
  CHECK_THROWS_WITH_AS(
      process_group({.rank = 2, .size = 2}),
      "rolewise: process_group: want 0 <= rank < size, a port from 1 to 65535, "
      "heartbeat_timeout > 0 and join_timeout > 0, got rank 2 of 2, port 29500, 30 and 300",
      std::invalid_argument);
  for (const auto& options : {process_group_options{.heartbeat_timeout = 0.0},
                              process_group_options{.join_timeout = 0.0}})
    CHECK_THROWS_AS(process_group{options}, std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      process_group({.rank = 0, .size = 2, .port = free_port(), .join_timeout = 0.3}),
      doctest::Contains("rolewise: process_group: rank 1 of 2 has not joined within 0.3"),
      std::runtime_error);
  ::setenv("RANK", "1", 1);
  ::setenv("WORLD_SIZE", "two", 1);
  ::setenv("MASTER_ADDR", "localhost", 1);
  ::setenv("MASTER_PORT", "1234", 1);
  CHECK_THROWS_WITH_AS((void)process_group_from_environment(),
                       "rolewise: process_group: WORLD_SIZE wants a number, got 'two'",
                       std::invalid_argument);
  ::setenv("WORLD_SIZE", "2", 1);
  const auto options = process_group_from_environment();
  CHECK(options.rank == 1);
  CHECK(options.size == 2);
  CHECK(options.host == "localhost");
  CHECK(options.port == 1234);
  ::unsetenv("RANK");
  CHECK_THROWS_WITH_AS((void)process_group_from_environment(),
                       "rolewise: process_group: want the environment variable RANK",
                       std::invalid_argument);
}
