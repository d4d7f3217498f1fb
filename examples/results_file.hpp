// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Comparisons of many runs: their options, and results in a file, each computed once however often
/// the program is stopped.

#include "command_line.hpp"
#include "open_data.hpp"

#include <rolewise/data/dataset.hpp>
#include <rolewise/report/statistics.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace command_line {

/// Accuracies of runs, a line of JSON each: the settings of the comparison, the key of the run
/// (such as its loss and seed), the accuracy in percent and the seconds that it took.
class results_file {
 public:
  /// Reads what is there.
  /// @param settings what all results of the comparison depend on
  /// @throws std::invalid_argument for results of other settings
  /// @throws std::runtime_error for a line that is no result
  results_file(std::string path, nlohmann::json settings)
      : path_(std::move(path)), settings_(std::move(settings))
  {
    std::ifstream lines{path_};
    for (std::string line; std::getline(lines, line);) {
      auto found = nlohmann::json::parse(line, nullptr, false);
      // A last line without its end is of a run that was killed while it wrote.
      if (found.is_discarded() && lines.eof()) break;
      if (!found.is_object() || !found.contains("seconds"))
        rolewise::throw_runtime_error(path_, "has a line that is no result: ", line);
      for (const auto& [name, value] : settings_.items())
        if (found.value(name, nlohmann::json{}) != value)
          rolewise::throw_invalid_argument(path_, "holds results of another comparison: ", name,
                                           " is ", found.value(name, nlohmann::json{}).dump(),
                                           ", now ", value.dump(), "; choose another --out");
      results_.push_back(std::move(found));
    }
    if (!results_.empty()) rewrite();  // without the piece of a line
  }

  [[nodiscard]] bool contains(const nlohmann::json& key) const
  {
    return std::any_of(results_.begin(), results_.end(),
                       [&](const auto& each) { return is_of(each, key); });
  }

  /// Computes a result, and appends and prints it. A refusal (std::invalid_argument) and a run that
  /// diverges are results, too, without an accuracy.
  template<typename Accuracy>
  void measure(const nlohmann::json& key, const std::string& title, const Accuracy& accuracy)
  {
    const auto begin = std::chrono::steady_clock::now();
    auto found = settings_;
    found.update(key);
    try {
      found["accuracy"] = 100 * accuracy();
    } catch (const std::invalid_argument& refusal) {
      found["refused"] = refusal.what();
    } catch (const rolewise::diverged& divergence) {
      found["refused"] = divergence.what();
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    found["seconds"] = took.count();
    std::ofstream out{path_, std::ios::app};
    if (!(out << found.dump() << std::endl))
      rolewise::throw_runtime_error(path_, "cannot be written");
    std::cout << title << ": "
              << (found.contains("accuracy")
                      ? rolewise::report::fixed_text(found["accuracy"].get<double>(), 2) + " %"
                      : found["refused"].get<std::string>())
              << std::endl;
    results_.push_back(std::move(found));
  }

  /// The numbers under `name` of all results with these members.
  [[nodiscard]] std::vector<double> numbers(const nlohmann::json& key,
                                            const std::string& name) const
  {
    std::vector<double> found;
    for (const auto& each : results_)
      if (is_of(each, key) && each.contains("accuracy"))
        found.push_back(each.at(name).get<double>());
    return found;
  }

  /// The texts under `name`, once each, in the order of the results.
  [[nodiscard]] std::vector<std::string> names(const std::string& name) const
  {
    std::vector<std::string> all;
    for (const auto& each : results_) {
      auto text = each.at(name).get<std::string>();
      if (std::find(all.begin(), all.end(), text) == all.end()) all.push_back(std::move(text));
    }
    return all;
  }

 private:
  [[nodiscard]] static bool is_of(const nlohmann::json& result, const nlohmann::json& key)
  {
    return std::all_of(key.items().begin(), key.items().end(), [&](const auto& item) {
      return result.value(item.key(), nlohmann::json{}) == item.value();
    });
  }

  void rewrite() const
  {
    std::string text;
    for (const auto& each : results_) text += each.dump() + "\n";
    rolewise::support::write_file_atomically(path_, text);
  }

  std::string path_;
  nlohmann::json settings_;
  std::vector<nlohmann::json> results_;
};

/// What two comparisons have in common on their command lines: data, length, number of runs.
struct comparison_options {
  std::string data;
  bool relabel = false;
  std::int64_t samples = 0;  ///< 0: all
  std::int64_t teacher_epochs = 20;
  std::int64_t epochs;  ///< of each student
  std::int64_t seeds;
  std::int64_t batch_size = 64;
  double minutes = 0.0;  ///< after which no run is begun; 0: no limit
  std::string folder;    ///< of the results
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();

  comparison_options(std::string program, std::int64_t student_epochs, std::int64_t runs)
      : epochs{student_epochs}, seeds{runs}, folder{std::move(program)}
  {}

  /// @param least_epochs of a student
  void add_to(CLI::App& app, std::int64_t least_epochs)
  {
    app.add_option("--data", data, "folder of a data set; without it the built-in glyphs")
        ->transform(folder_name);
    app.add_option("--samples", samples, "images to learn from; 0: all")
        ->check(CLI::NonNegativeNumber);
    app.add_option("--teacher-epochs", teacher_epochs)->check(CLI::PositiveNumber);
    app.add_option("--epochs", epochs, "of each student")->check(CLI::Range(least_epochs, most));
    app.add_option("--seeds", seeds)->check(CLI::PositiveNumber);
    app.add_option("--batch", batch_size)->check(CLI::PositiveNumber);
    app.add_option("--minutes", minutes, "after which no run is begun; 0: no limit")
        ->check(finite_number);
    app.add_option("--out", folder, "folder of the results")->transform(folder_name);
    add_relabel(app, relabel);
  }

  /// The data of the command line, and the file in which all results are of these settings.
  [[nodiscard]] rolewise::dataset_splits open() const
  {
    return with_some(open_or_draw(data.empty() ? data : whole_name(data), relabel), samples);
  }
  [[nodiscard]] results_file results(const rolewise::dataset& train) const
  {
    return {made_folder(folder) + "/results.jsonl",
            {{"data", train.name},
             {"examples", train.size()},
             {"teacher_epochs", teacher_epochs},
             {"epochs", epochs},
             {"batch", batch_size}}};
  }

  [[nodiscard]] bool is_late() const
  {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
    return minutes > 0.0 && passed.count() > 60.0 * minutes;
  }

 private:
  static constexpr std::int64_t most = 100000;
};

/// Mean and standard deviation of numbers, `-` for none.
[[nodiscard]] inline std::string spread(const std::vector<double>& values, int digits)
{
  return values.empty()
             ? std::string{"-"}
             : rolewise::report::spread_text(rolewise::report::statistics_of(values), digits);
}

}  // namespace command_line
