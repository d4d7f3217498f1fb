// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `outcome`: the results of one trained network, and their file.

#include "job_record.hpp"

#include <rolewise/measurement.hpp>
#include <rolewise/report.hpp>
#include <rolewise/train.hpp>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace role_wise {

/// The teacher's accuracy and T. stddev on the student's views.
struct views_seen {
  double teacher_accuracy = 0.0;  ///< share of views that the teacher classifies correctly
  double teacher_stddev = 0.0;    ///< T. stddev, see `rolewise::measurement::teacher_stddev`
};

struct outcome {
  std::string name;  ///< `teacher`, `teacher-agent` or `student-ARM-BITSbit`
  std::int64_t seed = 0;
  rolewise::run_history history{};
  double accuracy = std::numeric_limits<double>::quiet_NaN();  ///< on the test images, in [0, 1]
  double top5 = std::numeric_limits<double>::quiet_NaN();
  double loss = std::numeric_limits<double>::quiet_NaN();
  double bytes = 0.0;
  std::optional<views_seen> views{};  ///< of a student with a teacher
  std::string failure{};              ///< why the training diverged; empty if it did not
};

inline std::string student_name(const arm& of, int bits)
{
  return "student-" + std::string{of.name} + "-" + std::to_string(bits) + "bit";
}

inline std::string outcome_path(const job& wanted, const std::string& name, std::int64_t seed)
{
  return wanted.folder + "/records/" + name + "-seed" + std::to_string(seed) + ".json";
}

inline void write_outcome(const job& wanted, const outcome& one)
{
  std::vector<rolewise::report::named_option> options;
  visit_options(wanted, [&](const char* name, const auto&, const auto& value) {
    using value_type = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::same_as<value_type, int>)
      options.push_back({name, std::int64_t{value}});
    else if constexpr (requires { value.begin()->size(); })
      options.push_back({name, nlohmann::json(value).dump()});
    else if constexpr (std::same_as<value_type, std::vector<int>>)
      options.push_back({name, nlohmann::json(value).dump()});
    else
      options.push_back({name, value});
  });
  std::vector<rolewise::named_number> results{{"test accuracy", one.accuracy},
                                              {"test top-5 accuracy", one.top5},
                                              {"test loss", one.loss},
                                              {"bytes", one.bytes}};
  if (one.views) {
    results.push_back({"teacher's accuracy on the views", one.views->teacher_accuracy});
    results.push_back({"T. stddev of the views", one.views->teacher_stddev});
  }
  std::filesystem::create_directories(wanted.folder + "/records");
  rolewise::report::write_json(outcome_path(wanted, one.name, one.seed),
                               rolewise::report::run_record{
                                   .name = one.name,
                                   .seed = rolewise::seed{static_cast<std::uint64_t>(one.seed)},
                                   .options = std::move(options),
                                   .results = std::move(results),
                                   .history = one.history,
                               });
}

/// Reads the record of a run; nothing if it is not finished.
/// @throws std::runtime_error that names the file if it is damaged
inline std::optional<outcome> recorded(const job& wanted, const std::string& name,
                                       std::int64_t seed)
{
  const auto path = outcome_path(wanted, name, seed);
  if (!std::filesystem::exists(path)) return std::nullopt;
  auto record = rolewise::report::read_run_record(path);
  const auto number = [&](const char* of) {
    for (const auto& result : record.results)
      if (result.name == of) return result.value;
    return std::numeric_limits<double>::quiet_NaN();
  };
  outcome found{.name = name,
                .seed = seed,
                .accuracy = number("test accuracy"),
                .top5 = number("test top-5 accuracy"),
                .loss = number("test loss"),
                .bytes = number("bytes")};
  const views_seen views{number("teacher's accuracy on the views"),
                         number("T. stddev of the views")};
  if (!std::isnan(views.teacher_accuracy)) found.views = views;
  found.history = std::move(record.history);
  return found;
}

}  // namespace role_wise
