// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The report of a job: tables, conclusions in words, learning curves.

#include "outcome.hpp"

#include <rolewise/measurement/paired_difference.hpp>
#include <rolewise/report.hpp>
#include <rolewise/support/display_width.hpp>
#include <rolewise/support/terminal.hpp>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace role_wise {

/// Prints one line for a finished network.
inline void tell(const outcome& one, std::size_t number, std::size_t of)
{
  auto line = "[" + std::to_string(number) + "/" + std::to_string(of) + "] seed " +
              std::to_string(one.seed) + ", " + one.name + ": ";
  line += one.failure.empty()
              ? rolewise::report::fixed_text(100 * one.accuracy, 1) + " % of the test images, " +
                    rolewise::report::fixed_text(one.history.seconds(), 1) + " s"
              : one.failure;
  std::fprintf(
      stderr, "%s\n",
      rolewise::support::cut_to_width(line, rolewise::support::columns_for_lines(stderr)).c_str());
}

/// The outcomes of one network, in the order of the seeds.
inline std::vector<const outcome*> over_seeds(const std::vector<outcome>& all,
                                              const std::string& name)
{
  std::vector<const outcome*> found;
  for (const auto& one : all)
    if (one.name == name) found.push_back(&one);
  return found;
}

template<typename Value>
std::vector<double> values_of(const std::vector<const outcome*>& all, const Value& value)
{
  std::vector<double> found;
  for (const auto* one : all) found.push_back(value(*one));
  return found;
}

inline std::vector<double> accuracies_of(const std::vector<outcome>& all, const std::string& name)
{
  return values_of(over_seeds(all, name), [](const outcome& one) { return 100 * one.accuracy; });
}

/// The networks of the table: names and descriptions.
inline std::vector<std::pair<std::string, std::string>> rows_of(const job& wanted)
{
  std::vector<std::pair<std::string, std::string>> rows{
      {"teacher", "first teacher: crop and flip"}, {"teacher-agent", "second teacher: its agent"}};
  for (const int bits : wanted.bits)
    for (const auto& name : wanted.arms) {
      const auto& arm = arm_named(name);
      rows.emplace_back(student_name(arm, bits),
                        std::string{arm.name} + ": " + std::string{arm.words} +
                            (wanted.bits.size() > 1 ? ", " + std::to_string(bits) + " bits" : ""));
    }
  return rows;
}

inline rolewise::report::table accuracies_in(const job& wanted, const std::vector<outcome>& all)
{
  rolewise::report::table made{{"network", "test accuracy, %", "teacher right on the views, %",
                                "T. stddev", "bytes", "seconds"}};
  for (const auto& [name, words] : rows_of(wanted)) {
    const auto found = over_seeds(all, name);
    if (found.empty()) continue;
    const auto spread = [&](int digits, const auto& value) {
      return rolewise::report::spread_text(rolewise::report::statistics_of(values_of(found, value)),
                                           digits);
    };
    const bool has_views = found.front()->views.has_value();
    const auto of_views = [&](double factor, double views_seen::* what, int digits) {
      if (!has_views) return std::string{};
      return rolewise::report::fixed_text(
          rolewise::report::statistics_of(
              values_of(found,
                        [&](const outcome& one) {
                          return one.views ? factor * ((*one.views).*what)
                                           : std::numeric_limits<double>::quiet_NaN();
                        }))
              .mean,
          digits);
    };
    made.add({words, spread(2, [](const outcome& one) { return 100 * one.accuracy; }),
              of_views(100, &views_seen::teacher_accuracy, 1),
              of_views(1, &views_seen::teacher_stddev, 4),
              rolewise::report::fixed_text(found.front()->bytes, 0),
              spread(1, [](const outcome& one) { return one.history.seconds(); })});
  }
  return made;
}

/// The paired difference of two arms of a job at one bit width.
struct comparison {
  std::string first, second;
  rolewise::measurement::paired_difference found;
};

/// The comparisons of a job; empty for one seed. Leaves seeds with a diverged run out of the pair.
inline std::vector<comparison> comparisons_in(const job& wanted, const std::vector<outcome>& all)
{
  std::vector<comparison> made;
  for (const int bits : wanted.bits)
    for (const auto& [first, second] : compared_arms) {
      const auto name = [&](std::string_view arm) { return student_name(arm_named(arm), bits); };
      auto a = accuracies_of(all, name(first)), b = accuracies_of(all, name(second));
      if (a.empty() || b.empty()) continue;
      std::vector<double> whole_a, whole_b;
      for (std::size_t i = 0; i < a.size(); ++i)
        if (std::isfinite(a[i]) && std::isfinite(b[i])) {
          whole_a.push_back(a[i]);
          whole_b.push_back(b[i]);
        }
      if (whole_a.size() < 2) continue;
      const auto tail = wanted.bits.size() > 1 ? " (" + std::to_string(bits) + " bits)" : "";
      made.push_back({std::string{first} + tail, std::string{second} + tail,
                      rolewise::measurement::difference_of(whole_a, whole_b)});
    }
  return made;
}

inline rolewise::report::table differences_in(const std::vector<comparison>& all)
{
  rolewise::report::table made{{"difference of test accuracy, points", "mean", "95 % from", "to"}};
  for (const auto& [first, second, found] : all)
    made.add({first + " - " + second, rolewise::report::fixed_text(found.mean, 2),
              rolewise::report::fixed_text(found.low, 2),
              rolewise::report::fixed_text(found.high, 2)});
  return made;
}

/// The differences as a forest plot.
inline rolewise::report::interval_chart chart_of(const std::vector<comparison>& all)
{
  rolewise::report::interval_chart chart{.title = "Differences, 95 % intervals",
                                         .x_label = "points of test accuracy"};
  for (const auto& [first, second, found] : all)
    chart.rows.push_back({first + " - " + second, found.mean, found.low, found.high});
  return chart;
}

/// The conclusions from the differences, one sentence each.
inline std::vector<std::string> sentences_of(const std::vector<comparison>& all)
{
  std::vector<std::string> made;
  for (const auto& [first, second, found] : all)
    made.push_back(rolewise::report::comparison_text(first, second, found, "points", "seeds"));
  if (all.size() > 1)
    made.push_back(std::to_string(all.size()) +
                   " pairs are compared; of pairs that do not differ, one in twenty is told apart "
                   "by chance.");
  return made;
}

/// Validation accuracy by epoch: the mean over seeds in a band from the lowest to the highest.
inline rolewise::report::line_chart curves_of(const job& wanted, const std::vector<outcome>& all,
                                              const std::string& data, int bits)
{
  rolewise::report::line_chart chart{
      .title = "Validation accuracy on " + data + ", " + std::to_string(bits) + "-bit students",
      .x_label = "epoch",
      .y_label = "accuracy, %"};
  auto one_width = wanted;
  one_width.bits = {bits};
  for (const auto& [name, words] : rows_of(one_width)) {
    std::vector<std::vector<double>> runs;
    std::vector<double> at;
    for (const auto* one : over_seeds(all, name)) {
      if (!one->failure.empty()) continue;
      auto& run = runs.emplace_back();
      at.clear();
      for (const auto& epoch : one->history.epochs)
        if (epoch.validation_accuracy) {
          run.push_back(100 * *epoch.validation_accuracy);
          at.push_back(static_cast<double>(epoch.epoch + 1));
        }
    }
    if (runs.empty() || at.empty()) continue;
    auto curve = rolewise::report::curve_over_runs(words, runs);
    curve.x = std::move(at);
    chart.curves.push_back(std::move(curve));
  }
  return chart;
}

/// The conditions of the job, as the title of its tables.
inline std::string conditions_of(const job& wanted, const std::string& data)
{
  std::string bits;
  for (const int each : wanted.bits) bits += (bits.empty() ? "" : ", ") + std::to_string(each);
  return data + (wanted.data.empty() ? " of " + std::to_string(wanted.classes) + " classes" : "") +
         ", " + (wanted.samples > 0 ? std::to_string(wanted.samples) : "all") +
         " training images, " + std::to_string(wanted.epochs) + " epochs, batches of " +
         std::to_string(wanted.batch_size) + "; ResNet-" + std::to_string(wanted.teacher_depth) +
         " teachers (" + wanted.teacher_agent + "), ResNet-" +
         std::to_string(wanted.student_depth) + " students of " + bits + " bits (" +
         wanted.quantizer + ", " + wanted.student_agent + "); mean and deviation over " +
         std::to_string(wanted.seeds) + " seeds";
}

/// Writes tables and charts to the job's folder, and prints the tables.
inline void report(const job& wanted, const std::vector<outcome>& all)
{
  const auto data = name_of_data(wanted);
  const auto title = conditions_of(wanted, data);
  const auto accuracies = accuracies_in(wanted, all);
  const auto compared = comparisons_in(wanted, all);
  const auto columns = rolewise::support::columns_for_lines(stdout);
  std::string page = title + "\n\n" + accuracies.markdown();
  std::string said = rolewise::support::cut_to_width(title) + "\n\n" + accuracies.text(columns);
  if (!compared.empty()) {
    rolewise::report::write_svg(wanted.folder + "/differences.svg", chart_of(compared));
    page += "\n" + differences_in(compared).markdown();
    said += "\n" + differences_in(compared).text(columns) + "\n";
    for (const auto& sentence : sentences_of(compared)) {
      page += "\n- " + sentence;
      said += sentence + "\n";
    }
    page += "\n";
  }
  for (const auto& one : all)
    if (!one.failure.empty())
      page += "\nSeed " + std::to_string(one.seed) + ", " + one.name + " diverged: " + one.failure +
              "\n";
  rolewise::support::write_file_atomically(wanted.folder + "/table.md", page);
  for (const int bits : wanted.bits)
    if (const auto chart = curves_of(wanted, all, data, bits); !chart.curves.empty())
      rolewise::report::write_svg(wanted.folder + "/curves-" + std::to_string(bits) + "bit.svg",
                                  chart);
  std::printf(
      "\n%s\ntable.md, differences.svg, curves-*bit.svg, views.svg, records/ and runs/ are in %s\n",
      said.c_str(), wanted.folder.c_str());
}

}  // namespace role_wise
