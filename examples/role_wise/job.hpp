// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What the main job is asked to do: its options, on the command line and in the job's folder.

#include <rolewise/core/file.hpp>
#include <rolewise/version.hpp>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace role_wise {

/// Everything that decides the results. It is written to `job.json`, so that a resumed job cannot
/// be another one.
struct job {
  std::string data;          ///< folder of a data set; empty: the built-in glyphs
  std::int64_t samples = 0;  ///< images to learn from, drawn from the training set; 0: all
  std::int64_t epochs = 0;   ///< of every network
  std::int64_t seeds = 0;
  std::int64_t batch_size = 0;
  int bits = 2;
  std::vector<std::string> students{"a", "b", "c", "d"};
  std::string teacher_input = "teacher_view";

  std::string folder;       ///< where the results go; not part of what decides them
  bool is_resumed = false;  ///< likewise
};

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(job, data, samples, epochs, seeds, batch_size, bits, students,
                                   teacher_input)

inline std::string new_folder_name()
{
  const std::time_t now = std::time(nullptr);
  char name[64];
  std::strftime(name, sizeof name, "role_wise-%Y%m%d-%H%M%S", std::localtime(&now));
  return name;
}

inline job read_job(const std::string& folder)
{
  const auto path = folder + "/job.json";
  std::ifstream in{path};
  if (!in) rolewise::fail(path, "cannot be read: is ", folder, " the folder of a job?");
  try {
    auto found = nlohmann::json::parse(in).get<job>();
    found.folder = folder;
    found.is_resumed = true;
    return found;
  } catch (const nlohmann::json::exception& error) {
    rolewise::fail(path, "is not the record of a job: ", error.what());
  }
}

/// Makes the folder of a new job. One that holds a job already is left alone.
inline void start(const job& wanted)
{
  const auto path = wanted.folder + "/job.json";
  if (std::filesystem::exists(path))
    rolewise::refuse("role_wise", wanted.folder, " holds a job already: continue it with --resume ",
                     wanted.folder, " or choose another --out");
  std::error_code problem;
  std::filesystem::create_directories(wanted.folder, problem);
  if (problem) rolewise::fail(wanted.folder, "cannot be made: ", problem.message());
  rolewise::write_file_atomically(path, nlohmann::json(wanted).dump(2) + "\n");
}

/// @return nothing if the command line was answered in full (`--help`)
/// @throws CLI::ParseError for a command line that makes no sense
inline std::optional<job> parse(int argc, char** argv)
{
  job wanted;
  std::string resumed;
  CLI::App app{
      "Two teachers, four low-bit students: what role-wise augmentation is worth.\n"
      "  a  alone\n"
      "  b  distilled from a teacher that was trained with crop and flip; both see the same view\n"
      "  c  the same, the student has an agent, the teacher judges the student's view\n"
      "  d  distilled from a teacher that was trained with an agent; an agent for each role\n"};
  app.set_version_flag("--version", std::string{rolewise::version});
  auto* data = app.add_option(
      "--data", wanted.data, "folder with Fashion-MNIST, CIFAR-10/100 or images (default: glyphs)");
  app.add_option("--epochs", wanted.epochs, "epochs of every network (default: 8; with --data 4)")
      ->check(CLI::Range(1, 100000));
  app.add_option("--seeds", wanted.seeds, "repetitions, seeds 1 .. N (default: 2; with --data 3)")
      ->check(CLI::Range(1, 1000));
  app.add_option("--bits", wanted.bits, "bits of weights and activations inside the students")
      ->check(CLI::Range(1, 32))
      ->capture_default_str();
  app.add_option("--students", wanted.students, "which students, such as a,d")
      ->delimiter(',')
      ->check(CLI::IsMember({"a", "b", "c", "d"}))
      ->capture_default_str();
  app.add_option("--teacher-input", wanted.teacher_input,
                 "what the teacher of student d is shown: its own policy's view, or the student's")
      ->check(CLI::IsMember({"teacher_view", "student_view"}))
      ->capture_default_str();
  app.add_option("--samples", wanted.samples,
                 "images to learn from, 0 for all (default: 0; with --data 12000)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--batch", wanted.batch_size, "images in a batch (default: 32; with --data 64)")
      ->check(CLI::Range(2, 65536));
  app.add_option("--out", wanted.folder, "folder of the results (default: role_wise-DATE-TIME)");
  app.add_option("--resume", resumed, "continue the job in this folder; takes no other option");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& answered) {  // --help, --version
    (void)app.exit(answered);
    return std::nullopt;
  }
  if (!resumed.empty()) {
    if (app.count_all() > 2)
      throw CLI::ValidationError{
          "--resume", "takes no other option: the job's own are in " + resumed + "/job.json"};
    return read_job(resumed);
  }
  const bool has_data = data->count() > 0;
  if (has_data) wanted.data = std::filesystem::absolute(wanted.data).string();
  if (wanted.epochs == 0) wanted.epochs = has_data ? 4 : 8;
  if (wanted.seeds == 0) wanted.seeds = has_data ? 3 : 2;
  if (wanted.batch_size == 0) wanted.batch_size = has_data ? 64 : 32;
  if (app.count("--samples") == 0 && has_data) wanted.samples = 12000;
  if (wanted.folder.empty()) wanted.folder = new_folder_name();
  std::sort(wanted.students.begin(), wanted.students.end());
  wanted.students.erase(std::unique(wanted.students.begin(), wanted.students.end()),
                        wanted.students.end());
  return wanted;
}

}  // namespace role_wise
