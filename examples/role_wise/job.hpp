// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What the main job is asked to do, on the command line.

#include "command_line.hpp"
#include "open_data.hpp"

#include <rolewise/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace role_wise {

/// Everything that decides the results. It is written to `job.json`, so that a resumed job cannot
/// be another one.
struct job {
  std::string data{};        ///< folder of a data set; empty: the built-in glyphs
  bool relabel = false;      ///< labels are counted from 0 without gaps
  std::int64_t samples = 0;  ///< images to learn from, drawn from the training set; 0: all
  std::int64_t epochs = 0;   ///< of every network
  std::int64_t seeds = 0;
  std::int64_t batch_size = 0;
  int bits = 2;
  std::vector<std::string> students{"a", "b", "c", "d"};
  std::string teacher_input = "teacher_view";

  std::string folder{};     ///< where the results go; not part of what decides them
  bool is_resumed = false;  ///< likewise
};

/// What the options may be, on the command line and in `job.json` alike.
namespace may_be {

inline const CLI::Range samples{std::int64_t{0}, std::numeric_limits<std::int64_t>::max(),
                                "NONNEGATIVE"};
inline const CLI::Range epochs{std::int64_t{1}, std::int64_t{100000}};
inline const CLI::Range seeds{std::int64_t{1}, std::int64_t{1000}};
inline const CLI::Range batch_size{std::int64_t{2}, std::int64_t{65536}};
inline const CLI::Range bits{1, 32};
inline const CLI::IsMember student({"a", "b", "c", "d"});
inline const CLI::IsMember teacher_input({"teacher_view", "student_view"});

}  // namespace may_be

/// Each student once, in their order.
inline void sort_students(job& wanted)
{
  std::sort(wanted.students.begin(), wanted.students.end());
  wanted.students.erase(std::unique(wanted.students.begin(), wanted.students.end()),
                        wanted.students.end());
}

inline std::string new_folder_name()
{
  const std::time_t now = std::time(nullptr);
  char name[64];
  std::strftime(name, sizeof name, "role_wise-%Y%m%d-%H%M%S", std::localtime(&now));
  return name;
}

/// @return nothing if the command line was answered in full (`--help`). For `--resume` a job that
///         has its folder alone: the other options are in it.
/// @throws CLI::ParseError for a command line that makes no sense
inline std::optional<job> parse(int argc, char** argv)
{
  job wanted;
  CLI::App app{
      "Two teachers, four low-bit students: what role-wise augmentation is worth.\n"
      "  a  alone\n"
      "  b  distilled from a teacher that was trained with crop and flip; both see the same view\n"
      "  c  the same, the student has an agent, the teacher judges the student's view\n"
      "  d  distilled from a teacher that was trained with an agent; an agent for each role\n"};
  app.set_version_flag("--version", std::string{rolewise::version});
  auto* data = app.add_option("--data", wanted.data,
                              "folder with Fashion-MNIST, CIFAR-10/100 or images (default: "
                              "glyphs)")
                   ->transform(command_line::folder_name);
  command_line::add_relabel(app, wanted.relabel);
  app.add_option("--epochs", wanted.epochs, "epochs of every network (default: 8; with --data 4)")
      ->check(may_be::epochs);
  app.add_option("--seeds", wanted.seeds, "repetitions, seeds 1 .. N (default: 2; with --data 3)")
      ->check(may_be::seeds);
  app.add_option("--bits", wanted.bits, "bits of weights and activations inside the students")
      ->check(may_be::bits)
      ->capture_default_str();
  app.add_option("--students", wanted.students, "which students, such as a,d")
      ->delimiter(',')
      ->check(may_be::student)
      ->capture_default_str();
  app.add_option("--teacher-input", wanted.teacher_input,
                 "what the teacher of student d is shown: its own policy's view, or the student's")
      ->check(may_be::teacher_input)
      ->capture_default_str();
  app.add_option("--samples", wanted.samples,
                 "images to learn from, 0 for all (default: 0; with --data 12000)")
      ->check(may_be::samples);
  app.add_option("--batch", wanted.batch_size, "images in a batch (default: 32; with --data 64)")
      ->check(may_be::batch_size);
  app.add_option("--out", wanted.folder, "folder of the results (default: role_wise-DATE-TIME)")
      ->transform(command_line::folder_name);
  std::string resumed;
  app.add_option("--resume", resumed, "continue the job in this folder; takes no other option")
      ->transform(command_line::folder_name);

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
    return job{.folder = resumed, .is_resumed = true};
  }
  const bool has_data = data->count() > 0;
  if (has_data) wanted.data = command_line::whole_name(wanted.data);
  if (wanted.epochs == 0) wanted.epochs = has_data ? 4 : 8;
  if (wanted.seeds == 0) wanted.seeds = has_data ? 3 : 2;
  if (wanted.batch_size == 0) wanted.batch_size = has_data ? 64 : 32;
  if (app.count("--samples") == 0 && has_data) wanted.samples = 12000;
  if (wanted.folder.empty()) wanted.folder = new_folder_name();
  sort_students(wanted);
  return wanted;
}

}  // namespace role_wise
