// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Role-wise search: agents for a teacher, then agents for its low-bit student.
//
//     build/test/examples/role_wise_search            a small search on glyphs, under 2 minutes
//     build/test/examples/role_wise_search --method population random rand-augment none ...
//     build/test/examples/role_wise_search --data FOLDER ...
//
// Each method chooses an agent for each role on the images of one seed, by held-out validation
// images. First the teacher's: full-precision networks are trained on labels. Then the student's:
// low-bit networks are distilled from the best of these.
//
//     population       policies by population-based search
//     random           the best of as many random policies, trained as long
//     rand-augment     RandAugment, operations and magnitude from about as many settings
//     teacher-stddev   the teacher of `population`; the policy with the lowest T. stddev
//     trivial-augment  TrivialAugment, which has no parameters to choose
//     none             crop and flip alone
//
// Then the methods are compared on unseen data: teachers and students are trained from scratch on
// the images of other seeds (of the glyphs, other alphabets) and tested; see role_wise.cpp.
//
// Writes settings.txt, table.md, differences.svg, searches/METHOD/ROLE with page.html,
// history.jsonl and the found schedule (schedule.json, and in the log format of Population Based
// Augmentation), and in retrained/METHOD a job of role_wise. Starting a stopped run again continues
// it.

#include "command_line.hpp"
#include "role_wise/experiment.hpp"
#include "role_wise/job_record.hpp"
#include "role_wise/parts.hpp"
#include "role_wise/report.hpp"
#include "role_wise_search/methods.hpp"
#include "role_wise_search/report.hpp"
#include "role_wise_search/search.hpp"

#include <rolewise/support/retain_heap.hpp>
#include <rolewise/support/standard_output.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;

namespace {

using role_wise_search::search_job;

/// The settings that determine the results of the searches, as text.
[[nodiscard]] std::string settings_of(const search_job& wanted)
{
  auto record = role_wise::record_of(wanted.conditions);
  for (const auto* unused : {"arms", "teacher_agent", "student_agent", "seeds"})
    record.erase(unused);
  record["trials"] = wanted.trials;
  record["interval"] = wanted.interval;
  record["search_seed"] = wanted.search_seed;
  return record.dump(2) + "\n";
}

/// Whether a folder holds results of searches; not if the job failed before its first one.
[[nodiscard]] bool has_begun(const std::string& folder)
{
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder})
    if (!entry.is_directory() && entry.path().filename() != "settings.txt") return true;
  return false;
}

/// Rejects a folder with the searches of another job: they would be resumed as if they were this
/// one's. More seeds and other methods do not make another job.
void require_own_folder(const search_job& wanted)
{
  const auto path = wanted.folder + "/settings.txt";
  if (std::filesystem::exists(path) && rw::support::text_of_file(path) != settings_of(wanted) &&
      has_begun(wanted.folder))
    rw::throw_invalid_argument("role_wise_search", path,
                               " is of a job with other settings: choose another --out");
}

/// Creates the folder of the results. To be called after the inputs have been opened.
void claim_folder(const search_job& wanted)
{
  require_own_folder(wanted);
  command_line::make_folder(wanted.folder);
  rw::support::write_file_atomically(wanted.folder + "/settings.txt", settings_of(wanted));
}

/// The job that trains under a method's agents, on seeds that no search has used.
[[nodiscard]] role_wise::job retraining_of(const search_job& wanted,
                                           const role_wise_search::found_agents& found)
{
  auto made = wanted.conditions;
  made.arms = {found.method == "none" ? "b" : "d"};
  made.teacher_agent = found.teacher;
  made.student_agent = found.student;
  made.folder = wanted.folder + "/retrained/" + found.method;
  return role_wise::begun_or_resumed(std::move(made));
}

void run(const search_job& wanted)
{
  require_own_folder(wanted);
  role_wise_search::searches searches{wanted};
  claim_folder(wanted);
  std::vector<role_wise_search::method_outcome> all;
  for (const auto& method : wanted.methods) all.push_back({searches.agents_by(method), {}});
  for (auto& each : all) {
    std::fprintf(stderr, "%s: training on fresh seeds\n", each.agents.method.c_str());
    each.runs = role_wise::run_experiment(retraining_of(wanted, each.agents));
  }
  role_wise_search::report(wanted, all);
}

[[nodiscard]] bool parse(int argc, char** argv, search_job& wanted)
{
  CLI::App app{"Agents for a teacher, then agents for its low-bit student, searched and compared."};
  auto& conditions = wanted.conditions;
  conditions.epochs = 160;
  conditions.seeds = 2;
  conditions.validation = 1000;
  role_wise::detail::add_conditions(app, conditions);
  role_wise::detail::add_repetitions(app, conditions);
  app.add_option("--method", wanted.methods, "what is compared, such as population random none")
      ->check(CLI::IsMember(role_wise_search::known_methods()))
      ->capture_default_str();
  app.add_option("--trials", wanted.trials, "of a search, for each role")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{10000}))
      ->capture_default_str();
  app.add_option("--interval", wanted.interval, "epochs between evaluations of the trials")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--search-seed", wanted.search_seed,
                 "of the images to search with; none of those to compare with")
      ->check(role_wise::may_be::first_seed)
      ->capture_default_str();
  app.add_option("--out", wanted.folder, "folder of the results")
      ->transform(command_line::folder_name)
      ->capture_default_str();
  if (!command_line::parsed(app, argc, argv)) return false;
  role_wise::detail::set_defaults_of_data(app, conditions);
  if (conditions.bits.size() != 1)
    throw CLI::ValidationError{"--bits", "wants one number: a search is of one student"};
  if (wanted.search_seed >= conditions.first_seed &&
      wanted.search_seed < conditions.first_seed + conditions.seeds)
    throw CLI::ValidationError{"--search-seed", "is one of the seeds to compare with"};
  if (conditions.validation < 1)
    throw CLI::ValidationError{"--validation", "wants at least 1 image: trials are scored by them"};
  wanted.methods = command_line::without_repeats(wanted.methods);
  wanted.folder = command_line::whole_name(wanted.folder);
  return true;
}

}  // namespace

int main(int argc, char** argv)
{
  return command_line::program("role_wise_search", [&] {
    (void)rw::retain_heap();
    search_job wanted;
    if (parse(argc, argv, wanted)) run(wanted);
  });
}
