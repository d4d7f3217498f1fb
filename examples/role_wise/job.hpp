// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The options of the main job, on the command line.

#include "../command_line.hpp"
#include "../open_data.hpp"
#include "agents.hpp"
#include "arms.hpp"

#include <rolewise/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <exception>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace role_wise {

/// The options of an experiment. All that determine the results are written to `job.json`, so that
/// a resumed job cannot differ. The defaults are those of the glyphs.
struct job {
  std::string data{};             ///< folder of a data set; empty: the built-in glyphs
  bool relabel = false;           ///< labels are counted from 0 without gaps
  std::int64_t classes = 20;      ///< of the glyphs
  std::int64_t samples = 100;     ///< images to train with, drawn anew for each seed; 0: all
  std::int64_t validation = 100;  ///< images for the learning curves, drawn likewise
  std::int64_t epochs = 250;      ///< of every network
  std::int64_t batch_size = 20;
  std::int64_t first_seed = 1;
  std::int64_t seeds = 5;
  std::vector<std::string> arms{"a", "b", "c", "d"};
  std::string teacher_agent = "rand-augment:2,5";
  std::string student_agent = "rand-augment:2,5";
  std::vector<int> bits{2};
  std::string quantizer = "dorefa";
  std::string start = "random";  ///< students' initial weights: `random`, or their `teacher`'s
  int teacher_depth = 14;
  int student_depth = 8;
  double teacher_rate = 0.1;
  double alone_rate = 0.1;  ///< learning rate of students without a teacher
  double distilled_rate = 0.03;

  // These do not affect the results.
  std::int64_t max_concurrent_trials = 1;  ///< networks trained concurrently, on one thread each
  std::string folder{};
  bool is_resumed = false;
};

/// Valid values of the options, on the command line and in `job.json` alike.
namespace may_be {

inline constexpr auto most = std::numeric_limits<std::int64_t>::max();

inline const CLI::Range count{std::int64_t{0}, most, "NONNEGATIVE"};
inline const CLI::Range classes{std::int64_t{2}, std::int64_t{1000}};
inline const CLI::Range epochs{std::int64_t{1}, std::int64_t{100000}};
inline const CLI::Range first_seed{std::int64_t{0}, std::int64_t{1000000}};
inline const CLI::Range seeds{std::int64_t{1}, std::int64_t{1000}};
inline const CLI::Range batch_size{std::int64_t{2}, std::int64_t{65536}};
inline const CLI::Range max_concurrent_trials{std::int64_t{1}, std::int64_t{4096}};
inline const CLI::Range bits{1, 32};
inline const CLI::IsMember arm{names_of_arms()};
inline const CLI::IsMember quantizer({"dorefa", "lsq"});
inline const CLI::IsMember start({"random", "teacher"});
inline const CLI::IsMember depth({8, 14, 20, 32, 56});
/// Validates an agent: its names, numbers and files.
inline const CLI::Validator agent{[](std::string& given) -> std::string {
                                    try {
                                      (void)agent_of(given);
                                      return {};
                                    } catch (const std::exception& error) {
                                      return error.what();
                                    }
                                  },
                                  "AGENT"};

}  // namespace may_be

/// The name of the data set in tables and figures.
inline std::string name_of_data(const job& of)
{
  return of.data.empty() ? "glyphs" : std::filesystem::path{of.data}.filename().string();
}

/// The agents of both roles in words, without the paths of schedules.
inline std::string agents_in_words(const job& of)
{
  const auto words = [](const std::string& agent) {
    const auto file = agent.find("schedule:");
    return file == std::string::npos ? agent : agent.substr(0, file) + "schedule";
  };
  if (of.teacher_agent == of.student_agent) return words(of.teacher_agent);
  return words(of.teacher_agent) + " / " + words(of.student_agent);
}

/// Sorts arms into the order of the table and bits from many to few; removes duplicates.
inline void sort_lists(job& wanted)
{
  std::vector<std::string> sorted;
  for (const auto& each : all_arms)
    if (std::find(wanted.arms.begin(), wanted.arms.end(), each.name) != wanted.arms.end())
      sorted.emplace_back(each.name);
  wanted.arms = std::move(sorted);
  std::sort(wanted.bits.begin(), wanted.bits.end(), std::greater<>{});
  wanted.bits = command_line::without_repeats(wanted.bits);
}

inline std::string new_folder_name()
{
  const std::time_t now = std::time(nullptr);
  char name[64];
  std::strftime(name, sizeof name, "role_wise-%Y%m%d-%H%M%S", std::localtime(&now));
  return name;
}

namespace detail {

/// Adds the options of data, networks and training, which all arms share.
inline void add_conditions(CLI::App& app, job& wanted)
{
  app.add_option("--data", wanted.data,
                 "folder with Fashion-MNIST, CIFAR-10/100 or images (default: the built-in glyphs)")
      ->transform(command_line::folder_name);
  command_line::add_relabel(app, wanted.relabel);
  app.add_option("--classes", wanted.classes, "of the glyphs")
      ->check(may_be::classes)
      ->capture_default_str();
  const auto add = [&](const char* name, std::int64_t& value, const CLI::Validator& allowed,
                       const char* words) {
    app.add_option(name, value, words)->check(allowed)->capture_default_str();
  };
  add("--samples", wanted.samples, may_be::count,
      "images to train with, drawn anew for each seed; 0 for all; with --data 500");
  add("--validation", wanted.validation, may_be::count,
      "images to validate with, drawn likewise; with --data 1000");
  add("--epochs", wanted.epochs, may_be::epochs, "of every network; with --data 100");
  add("--batch", wanted.batch_size, may_be::batch_size, "images in a batch; with --data 25");
  app.add_option("--bits", wanted.bits, "of weights and activations inside the students")
      ->delimiter(',')
      ->check(may_be::bits)
      ->capture_default_str();
  app.add_option("--quantizer", wanted.quantizer)->check(may_be::quantizer)->capture_default_str();
  app.add_option("--start", wanted.start,
                 "students start at random or from their teacher's weights")
      ->check(may_be::start)
      ->capture_default_str();
  app.add_option("--teacher-depth", wanted.teacher_depth, "layers of the teachers' ResNet")
      ->check(may_be::depth)
      ->capture_default_str();
  app.add_option("--student-depth", wanted.student_depth, "layers of the students' ResNet")
      ->check(may_be::depth)
      ->capture_default_str();
  const auto add_rate = [&](const char* name, double& rate, const char* whose) {
    app.add_option(name, rate, whose)->check(command_line::finite_number)->capture_default_str();
  };
  add_rate("--teacher-rate", wanted.teacher_rate, "learning rate of teachers");
  add_rate("--alone-rate", wanted.alone_rate, "learning rate of students without a teacher");
  add_rate("--distilled-rate", wanted.distilled_rate, "learning rate of students with one");
  app.add_option("--first-seed", wanted.first_seed)
      ->check(may_be::first_seed)
      ->capture_default_str();
}

/// Adds the options for the number of repetitions and of concurrent trainings.
inline void add_repetitions(CLI::App& app, job& wanted)
{
  wanted.max_concurrent_trials =
      std::clamp<std::int64_t>(std::thread::hardware_concurrency(), 1, 64);
  app.add_option("--seeds", wanted.seeds, "repetitions, each with images of its own")
      ->check(may_be::seeds)
      ->capture_default_str();
  app.add_option("--at-once", wanted.max_concurrent_trials,
                 "networks trained at the same time, one thread each; changes no result (default: "
                 "one for each core)")
      ->check(may_be::max_concurrent_trials);
}

/// Adds the options in which students differ.
inline void add_arms(CLI::App& app, job& wanted)
{
  app.add_option("--arms", wanted.arms, "which students, such as b,d")
      ->delimiter(',')
      ->check(may_be::arm)
      ->capture_default_str();
  app.add_option("--teacher-agent", wanted.teacher_agent, "agent of the second teacher")
      ->check(may_be::agent)
      ->capture_default_str();
  app.add_option("--student-agent", wanted.student_agent, "agent of the students")
      ->check(may_be::agent)
      ->capture_default_str();
}

/// Sets the defaults for `--data` where an option was not given, and makes the folder's path
/// absolute.
inline void set_defaults_of_data(const CLI::App& app, job& wanted)
{
  if (wanted.data.empty()) return;
  const auto with_data = [&](const char* option, std::int64_t& value, std::int64_t otherwise) {
    if (app.count(option) == 0) value = otherwise;
  };
  with_data("--samples", wanted.samples, 500);
  with_data("--validation", wanted.validation, 1000);
  with_data("--epochs", wanted.epochs, 100);
  with_data("--batch", wanted.batch_size, 25);
  wanted.data = command_line::whole_name(wanted.data);
}

inline std::string description()
{
  std::string words =
      "What role-wise augmentation is worth: low-bit students of two teachers, of which one was\n"
      "trained with crop and flip alone, the other under an agent as well. Arms:\n";
  for (const auto& each : all_arms)
    words += "  " + std::string{each.name} + std::string(9 - each.name.size(), ' ') +
             std::string{each.words} + "\n";
  return words + "Agents: " + described_agents + ".\n";
}

}  // namespace detail

/// Parses a command line into a job. With `--resume` only the folder, `seeds` (0: as before) and
/// `max_concurrent_trials` are set: the other options are in the folder.
/// @return nothing after `--help` or `--version`
/// @throws CLI::ParseError for an invalid command line
inline std::optional<job> parse(int argc, char** argv)
{
  job wanted;
  CLI::App app{detail::description()};
  app.set_version_flag("--version", std::string{rolewise::version});
  detail::add_conditions(app, wanted);
  detail::add_arms(app, wanted);
  detail::add_repetitions(app, wanted);
  app.add_option("--out", wanted.folder, "folder of the results (default: role_wise-DATE-TIME)")
      ->transform(command_line::folder_name);
  std::string resumed;
  app.add_option(
         "--resume", resumed,
         "continue the job in this folder; takes no other option but --seeds, which may grow, "
         "and --at-once")
      ->transform(command_line::folder_name);
  app.get_formatter()->column_width(32);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& answered) {  // --help, --version
    (void)app.exit(answered);
    return std::nullopt;
  }
  if (!resumed.empty()) {
    if (app.count_all() != 2 + app.count("--seeds") + app.count("--at-once"))
      throw CLI::ValidationError{"--resume",
                                 "takes no other option than --seeds and --at-once: the job's own "
                                 "are in " +
                                     resumed + "/job.json"};
    return job{.seeds = app.count("--seeds") > 0 ? wanted.seeds : 0,
               .max_concurrent_trials = wanted.max_concurrent_trials,
               .folder = resumed,
               .is_resumed = true};
  }
  detail::set_defaults_of_data(app, wanted);
  wanted.teacher_agent = with_whole_names(wanted.teacher_agent);
  wanted.student_agent = with_whole_names(wanted.student_agent);
  if (wanted.folder.empty()) wanted.folder = new_folder_name();
  sort_lists(wanted);
  return wanted;
}

}  // namespace role_wise
