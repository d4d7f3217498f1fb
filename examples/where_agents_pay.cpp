// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where agents improve accuracy: a comparison of jobs of role_wise.
//
//     build/test/examples/where_agents_pay jobs/* --out summary
//
// For each job: the difference of two arms (by default d - b, see --arms) with its 95 % interval
// over the seeds, and the teacher's accuracy on the student's views.
//
// Writes table.md and gain.svg, a forest plot of the differences.

#include "command_line.hpp"
#include "role_wise/job_record.hpp"
#include "role_wise/outcome.hpp"
#include "role_wise/report.hpp"

#include <rolewise/report.hpp>
#include <rolewise/support/standard_output.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace rw = rolewise;

namespace {

struct options {
  std::vector<std::string> folders;
  std::vector<std::string> arms{"d", "b"};
  std::string folder = "where_agents_pay";
};

/// One job at one bit width.
struct row {
  role_wise::job job;
  int bits = 32;
  std::vector<double> first{}, second{};  ///< test accuracies over seeds, %
  double teacher_right = 0.0;             ///< on the views of the first arm's students, mean, %
  rw::measurement::paired_difference found{};
};

/// The row of the seeds for which both arms have a record; a job in progress has fewer.
[[nodiscard]] row row_of(const role_wise::job& job, int bits, const options& wanted)
{
  row made{.job = job, .bits = bits};
  double right = 0.0;
  for (std::int64_t i = 0; i < job.seeds; ++i) {
    const auto read = [&](const std::string& arm) {
      return role_wise::recorded(job, role_wise::student_name(role_wise::arm_named(arm), bits),
                                 job.first_seed + i);
    };
    const auto a = read(wanted.arms[0]), b = read(wanted.arms[1]);
    if (!a || !b) continue;
    made.first.push_back(100 * a->accuracy);
    made.second.push_back(100 * b->accuracy);
    right += a->views ? 100 * a->views->teacher_accuracy
                      : std::numeric_limits<double>::quiet_NaN();  // shown as `-`
  }
  made.teacher_right = right / static_cast<double>(made.first.size());
  if (made.first.size() >= 2) made.found = rw::measurement::difference_of(made.first, made.second);
  return made;
}

[[nodiscard]] std::vector<row> rows_of(const options& wanted)
{
  std::vector<row> rows;
  for (const auto& folder : wanted.folders) {
    const auto job = role_wise::read_job({.seeds = 0, .folder = folder});
    for (const int bits : job.bits)
      if (auto made = row_of(job, bits, wanted); made.first.size() >= 2)
        rows.push_back(std::move(made));
      else
        std::fprintf(stderr, "note: %s has fewer than 2 seeds of both arms at %d bits\n",
                     folder.c_str(), bits);
  }
  std::stable_sort(rows.begin(), rows.end(), [](const row& a, const row& b) {
    return std::tuple{a.job.data, a.job.samples, a.job.epochs, b.bits} <
           std::tuple{b.job.data, b.job.samples, b.job.epochs, a.bits};
  });
  return rows;
}

[[nodiscard]] rw::report::table table_of(const std::vector<row>& rows, const options& wanted)
{
  const auto difference = wanted.arms[0] + " - " + wanted.arms[1];
  rw::report::table made{{"data", "images", "epochs", "bits", "quantizer", "agents", "seeds",
                          wanted.arms[1] + ", %", wanted.arms[0] + ", %", difference + ", points",
                          "teacher right on the views, %"}};
  for (const auto& each : rows) {
    const auto& job = each.job;
    made.add({role_wise::name_of_data(job), std::to_string(job.samples), std::to_string(job.epochs),
              std::to_string(each.bits), job.quantizer, role_wise::agents_in_words(job),
              std::to_string(each.first.size()),
              rw::report::fixed_text(rw::report::statistics_of(each.second).mean, 2),
              rw::report::fixed_text(rw::report::statistics_of(each.first).mean, 2),
              rw::report::interval_text(each.found, 2),
              rw::report::fixed_text(each.teacher_right, 1)});
  }
  return made;
}

/// A row for each job, named by its conditions.
[[nodiscard]] rw::report::interval_chart chart_of(const std::vector<row>& rows,
                                                  const options& wanted)
{
  rw::report::interval_chart chart{
      .title = wanted.arms[0] + " - " + wanted.arms[1] + ", 95 % intervals",
      .x_label = "points of test accuracy",
      .width = 1000};
  for (const auto& each : rows)
    chart.rows.push_back(
        {role_wise::name_of_data(each.job) + ", " + std::to_string(each.job.samples) + " images, " +
             std::to_string(each.job.epochs) + " epochs, " + std::to_string(each.bits) + " bits (" +
             each.job.quantizer + "), " + role_wise::agents_in_words(each.job),
         each.found.mean, each.found.low, each.found.high});
  return chart;
}

[[nodiscard]] bool parse(int argc, char** argv, options& wanted)
{
  CLI::App app{"Jobs of role_wise side by side: where agents pay."};
  app.add_option("folder", wanted.folders, "folders of jobs")->required();
  app.add_option("--arms", wanted.arms, "the two arms that are compared, such as d,b")
      ->delimiter(',')
      ->expected(2)
      ->check(role_wise::may_be::arm)
      ->capture_default_str();
  app.add_option("--out", wanted.folder, "folder of the results")
      ->transform(command_line::folder_name)
      ->capture_default_str();
  return command_line::parsed(app, argc, argv);
}

void run(const options& wanted)
{
  const auto rows = rows_of(wanted);
  if (rows.empty())
    rw::throw_invalid_argument("where_agents_pay", "no job has 2 seeds of both arms");
  const auto table = table_of(rows, wanted);
  command_line::make_folder(wanted.folder);
  rw::support::write_file_atomically(wanted.folder + "/table.md", table.markdown());
  rw::report::write_svg(wanted.folder + "/gain.svg", chart_of(rows, wanted));
  std::printf("%s\ntable.md and gain.svg are in %s\n",
              table.text(rw::support::columns_for_lines(stdout)).c_str(), wanted.folder.c_str());
}

}  // namespace

int main(int argc, char** argv)
{
  return command_line::program("where_agents_pay", [&] {
    options wanted;
    if (parse(argc, argv, wanted)) run(wanted);
  });
}
