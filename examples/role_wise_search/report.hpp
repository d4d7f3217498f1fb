// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The report of `role_wise_search`: comparison of the methods, and of the roles' policies.

#include "../role_wise/report.hpp"
#include "methods.hpp"

#include <rolewise/agent.hpp>
#include <rolewise/measurement/paired_difference.hpp>
#include <rolewise/policy.hpp>
#include <rolewise/report.hpp>
#include <rolewise/support/display_width.hpp>
#include <rolewise/support/terminal.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace role_wise_search {

namespace rw = rolewise;

/// Test accuracies of the method's student or of its teacher, over seeds.
[[nodiscard]] inline std::vector<double> accuracies_of(const method_outcome& of, bool of_student)
{
  std::vector<double> found;
  for (const auto& run : of.runs)
    if (run.name.starts_with("student") == of_student) found.push_back(100 * run.accuracy);
  return found;
}

[[nodiscard]] inline rw::report::table methods_in(const std::vector<method_outcome>& all)
{
  rw::report::table made{{"method", "teacher, %", "student, %", "search, s"}};
  for (const auto& each : all)
    made.add({each.agents.method,
              rw::report::spread_text(rw::report::statistics_of(accuracies_of(each, false)), 2),
              rw::report::spread_text(rw::report::statistics_of(accuracies_of(each, true)), 2),
              rw::report::fixed_text(each.agents.seconds, 1)});
  return made;
}

/// The paired differences of all pairs of methods; omits pairs with a diverged run.
[[nodiscard]] inline std::vector<role_wise::comparison> comparisons_in(
    const std::vector<method_outcome>& all)
{
  std::vector<role_wise::comparison> made;
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t k = i + 1; k < all.size(); ++k) {
      const auto a = accuracies_of(all[i], true), b = accuracies_of(all[k], true);
      if (a.size() < 2) continue;
      const auto found = rw::measurement::difference_of(a, b);
      if (std::isfinite(found.mean))
        made.push_back({all[i].agents.method, all[k].agents.method, found});
    }
  return made;
}

/// Probability and magnitude level of each operation in the schedules of both roles, as means over
/// the epochs. The probability is that at least one of its pairs applies it when reached.
[[nodiscard]] inline rw::report::table policies_by_role(const rw::policy_schedule& teacher,
                                                        const rw::policy_schedule& student,
                                                        std::int64_t epochs)
{
  const auto mean = [&](const rw::policy_schedule& schedule, const auto& value) {
    double sum = 0.0;
    std::int64_t count = 0;
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch)
      if (const std::optional<double> x = value(schedule.at(epoch)); x) {
        sum += *x;
        ++count;
      }
    return count == 0 ? std::string{"-"}
                      : rw::report::fixed_text(sum / static_cast<double>(count), 2);
  };
  rw::report::table made{
      {"operation", "teacher: probability", "magnitude", "student: probability", "magnitude "}};
  for (std::int64_t i = 0; i < rw::policy_operations; ++i) {
    const auto what = static_cast<rw::operation>(i);
    const auto probability = [&](const rw::augmentation_policy& p) -> std::optional<double> {
      return rw::report::probability_of(p, what);
    };
    const auto magnitude = [&](const rw::augmentation_policy& p) {
      return rw::report::magnitude_of(p, what);
    };
    made.add({std::string{rw::name(what)}, mean(teacher, probability), mean(teacher, magnitude),
              mean(student, probability), mean(student, magnitude)});
  }
  return made;
}

/// Writes table.md and differences.svg, and prints the contents of table.md.
inline void report(const search_job& wanted, const std::vector<method_outcome>& all)
{
  const auto columns = rw::support::columns_for_lines(stdout);
  std::string page, said;
  const auto add = [&](const rw::report::table& table) {
    page += "\n" + table.markdown();
    said += "\n" + table.text(columns);
  };
  const auto add_line = [&](const std::string& line) {
    page += "\n" + line + "\n";
    said += "\n" + rw::support::cut_to_width(line) + "\n";
  };
  add_line("Searched with seed " + std::to_string(wanted.search_seed) + ", " +
           std::to_string(wanted.trials) + " trials for each role; trained and tested on " +
           std::to_string(wanted.conditions.seeds) + " other seeds.");
  add(methods_in(all));
  if (const auto compared = comparisons_in(all); !compared.empty()) {
    rw::report::write_svg(wanted.folder + "/differences.svg", role_wise::chart_of(compared));
    add(role_wise::differences_in(compared));
    for (const auto& sentence : role_wise::sentences_of(compared)) add_line(sentence);
  }
  const std::string schedule = "schedule:";
  for (const auto& each : all) {
    add_line(each.agents.method + ": teacher " + each.agents.teacher + ", student " +
             each.agents.student);
    if (!each.agents.student.starts_with(schedule)) continue;
    const auto read = [&](const std::string& text) {
      return rw::read_policy_schedule(text.substr(schedule.size()));
    };
    add(policies_by_role(read(each.agents.teacher), read(each.agents.student),
                         wanted.conditions.epochs));
  }
  rw::support::write_file_atomically(wanted.folder + "/table.md", page.substr(1));
  std::printf("%s\ntable.md, differences.svg, searches/ and retrained/ are in %s\n", said.c_str(),
              wanted.folder.c_str());
}

}  // namespace role_wise_search
