// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What the main job leaves: the table, the records, the curves.

#include "job.hpp"

#include <rolewise/core/display_width.hpp>
#include <rolewise/core/terminal.hpp>
#include <rolewise/report.hpp>
#include <rolewise/train.hpp>

#include <cstdio>
#include <string>
#include <vector>

namespace role_wise {

/// One trained network.
struct outcome {
  std::string name;
  std::uint64_t seed = 0;
  rolewise::run_history history;
  rolewise::evaluation on_test;
  double bytes = 0;
};

/// The outcomes of one network over the seeds.
inline std::vector<const outcome*> over_seeds(const std::vector<outcome>& all,
                                              const std::string& name)
{
  std::vector<const outcome*> found;
  for (const auto& one : all)
    if (one.name == name) found.push_back(&one);
  return found;
}

inline const std::vector<std::pair<std::string, std::string>>& rows()
{
  static const std::vector<std::pair<std::string, std::string>> all{
      {"teacher-crop-flip", "first teacher: crop and flip"},
      {"teacher-agent", "second teacher: its agent"},
      {"student-a", "a: alone"},
      {"student-b", "b: distilled, same view"},
      {"student-c", "c: student has an agent"},
      {"student-d", "d: an agent for each role"}};
  return all;
}

inline void write_record(const job& wanted, const outcome& one)
{
  rolewise::write_json(
      wanted.folder + "/records/" + one.name + "-seed" + std::to_string(one.seed) + ".json",
      rolewise::run_record{.name = one.name,
                           .seed = rolewise::seed{one.seed},
                           .options = {{"data", wanted.data.empty() ? "glyphs" : wanted.data},
                                       {"samples", wanted.samples},
                                       {"epochs", wanted.epochs},
                                       {"batch", wanted.batch_size},
                                       {"bits", std::int64_t{wanted.bits}},
                                       {"teacher_input", wanted.teacher_input}},
                           .results = {{"test accuracy", one.on_test.top1},
                                       {"test top-5 accuracy", one.on_test.top5},
                                       {"test loss", one.on_test.loss},
                                       {"bytes", one.bytes}},
                           .history = one.history});
}

inline rolewise::table table_of(const std::vector<outcome>& all)
{
  rolewise::table made{{"network", "test accuracy, %", "bytes", "seconds"}};
  for (const auto& [name, words] : rows()) {
    const auto found = over_seeds(all, name);
    if (found.empty()) continue;
    std::vector<double> accuracies, times;
    for (const auto* one : found) {
      accuracies.push_back(100 * one->on_test.top1);
      times.push_back(one->history.seconds());
    }
    made.add({words, rolewise::spread_text(rolewise::statistics_of(accuracies), 2),
              rolewise::fixed_text(found.front()->bytes, 0),
              rolewise::spread_text(rolewise::statistics_of(times), 1)});
  }
  return made;
}

/// Validation accuracy by epoch: the mean over seeds in a band from the worst to the best.
inline rolewise::line_chart curves_of(const std::vector<outcome>& all, const std::string& data)
{
  rolewise::line_chart chart{
      .title = "Validation accuracy on " + data, .x_label = "epoch", .y_label = "accuracy, %"};
  for (const auto& [name, words] : rows()) {
    std::vector<std::vector<double>> runs;
    for (const auto* one : over_seeds(all, name)) {
      auto& run = runs.emplace_back();
      for (const auto& epoch : one->history.epochs)
        run.push_back(100 * epoch.validation_accuracy.value_or(0));
    }
    if (!runs.empty()) chart.curves.push_back(rolewise::curve_over_runs(words, runs, 1));
  }
  return chart;
}

/// Writes everything and prints the table.
inline void report(const job& wanted, const std::string& data, const std::vector<outcome>& all)
{
  std::filesystem::create_directories(wanted.folder + "/records");
  for (const auto& one : all) write_record(wanted, one);
  const auto table = table_of(all);
  rolewise::write_file_atomically(wanted.folder + "/table.md", table.markdown());
  rolewise::write_svg(wanted.folder + "/curves.svg", curves_of(all, data));
  std::printf("\n%s, %d-bit students, %lld epochs, mean and deviation over %lld seeds\n\n%s\n",
              rolewise::cut_to_width(data).c_str(), wanted.bits,
              static_cast<long long>(wanted.epochs), static_cast<long long>(wanted.seeds),
              table.text(rolewise::columns_for_lines(stdout)).c_str());
  std::printf("table.md, curves.svg, views.png, records/ and runs/ are in %s\n",
              wanted.folder.c_str());
}

}  // namespace role_wise
