// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What each published system gives: students that are trained with equally many updates.
//
//     build/test/examples/compare_systems --data FOLDER --samples 5000 --out systems
//
// A ResNet-20 teaches a ResNet-8, in full precision and with 2 inner bits. The teacher is trained
// once; a student of each system, width and seed is then trained from the same first weights. A
// file of compare_systems/ is a system, and a template for using it.
//
// Each result is appended to results.jsonl as it is computed, and one that is there is not computed
// again; each training leaves checkpoints. A comparison can be stopped at any time, or after
// --minutes, and goes on where it was. table.md sums up what is there.

#include "command_line.hpp"
#include "compare_systems/systems.hpp"
#include "open_data.hpp"
#include "results_file.hpp"

#include <rolewise/rolewise.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace rw = rolewise;
using compare_systems::run;

struct options {
  std::string data;
  bool relabel = false;
  std::vector<std::string> systems;  ///< all if empty
  std::vector<int> bits{32, 2};
  std::int64_t samples = 0;
  std::int64_t teacher_epochs = 20;
  std::int64_t epochs = 8;
  std::int64_t seeds = 3;
  std::int64_t batch_size = 64;
  double minutes = 0.0;
  std::string folder = "compare_systems";
};

class comparison {
 public:
  comparison(const options& wanted, rw::dataset_splits data)
      : wanted_{wanted},
        data_{command_line::with_some(std::move(data), wanted.samples)},
        results_{command_line::made_folder(wanted.folder) + "/results.jsonl",
                 {{"data", data_.train.name},
                  {"examples", data_.train.size()},
                  {"teacher_epochs", wanted.teacher_epochs},
                  {"epochs", wanted.epochs},
                  {"batch", wanted.batch_size}}},
        rows_{wanted_rows(wanted.systems)}
  {}

  void compute()
  {
    const auto teacher = trained_teacher();
    for (std::int64_t number = 1; number <= wanted_.seeds; ++number)
      for (const int bits : wanted_.bits)
        for (const auto& each : rows_) student_of(each, bits, number, teacher);
    rw::support::write_file_atomically(wanted_.folder + "/table.md", table().markdown());
    std::cout << table().text(rw::support::columns_for_lines(stdout));
    if (left_ > 0) std::cout << left_ << " runs are left; the same command goes on with them\n";
  }

 private:
  [[nodiscard]] static std::vector<compare_systems::row> wanted_rows(
      const std::vector<std::string>& names)
  {
    auto rows = compare_systems::all_rows();
    if (names.empty()) return rows;
    std::vector<compare_systems::row> some;
    for (const auto& name : names) {
      const auto at = std::find_if(rows.begin(), rows.end(),
                                   [&](const auto& each) { return each.name == name; });
      if (at == rows.end()) rw::throw_invalid_argument("--systems", "'", name, "' is no row");
      some.push_back(*at);
    }
    return some;
  }

  [[nodiscard]] compare_systems::teacher_network trained_teacher()
  {
    const rw::seed seed{100};
    rw::supervised training{.student = rw::resnet20(data_.train.shape, {.seed = seed}),
                            .agent = compare_systems::usual_agent,
                            .optimizer = compare_systems::usual_optimizer,
                            .lr_schedule = compare_systems::usual_schedule{},
                            .seed = seed};
    run{data_, training.student, wanted_.teacher_epochs, wanted_.batch_size, seed, wanted_.folder}
        .train(training, "teacher");
    const nlohmann::json key{{"system", "teacher"}, {"bits", 32}, {"seed", 0}};
    if (!results_.contains(key))
      results_.measure(key, "teacher", [&] { return rw::accuracy(training.student, data_.test); });
    return training.student;
  }

  void student_of(const compare_systems::row& system, int bits, std::int64_t number,
                  const compare_systems::teacher_network& teacher)
  {
    const nlohmann::json key{{"system", system.name}, {"bits", bits}, {"seed", number}};
    if (results_.contains(key)) return;
    if (is_late()) {
      ++left_;
      return;
    }
    const auto title =
        system.name + ", " + std::to_string(bits) + " bits, seed " + std::to_string(number);
    auto folder = title;
    std::replace(folder.begin(), folder.end(), ' ', '-');
    folder = wanted_.folder + "/runs/" + folder;
    results_.measure(key, title, [&] {
      const run at{data_,
                   teacher,
                   wanted_.epochs,
                   wanted_.batch_size,
                   rw::seed{static_cast<std::uint64_t>(number)},
                   folder};
      return bits == 2 ? system.at_2_bits(at) : system.at_32_bits(at);
    });
    std::filesystem::remove_all(folder);
  }

  [[nodiscard]] bool is_late() const
  {
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin_;
    return wanted_.minutes > 0.0 && passed.count() > 60.0 * wanted_.minutes;
  }

  /// A row for each system; beside the accuracies their differences from plain KD, seed by seed.
  [[nodiscard]] rw::report::table table() const
  {
    std::vector<std::string> titles{"system"};
    for (const int bits : wanted_.bits) {
      const auto width = std::to_string(bits) + " bits";
      titles.insert(titles.end(), {width + ", accuracy, %", "minus plain KD", "s a run"});
    }
    rw::report::table shown{titles};
    for (const auto& name : results_.names("system")) {
      std::vector<std::string> cells{name};
      for (const int bits : wanted_.bits) {
        const nlohmann::json key{{"system", name}, {"bits", bits}};
        cells.push_back(command_line::spread(results_.numbers(key, "accuracy"), 2));
        cells.push_back(command_line::spread(differences(name, bits), 2));
        cells.push_back(command_line::spread(results_.numbers(key, "seconds"), 1));
      }
      shown.add(cells);
    }
    return shown;
  }

  [[nodiscard]] std::vector<double> differences(const std::string& name, int bits) const
  {
    std::vector<double> found;
    if (name == "plain KD") return found;
    for (std::int64_t number = 1; number <= wanted_.seeds; ++number) {
      const auto accuracy = [&](const std::string& of) {
        return results_.numbers({{"system", of}, {"bits", bits}, {"seed", number}}, "accuracy");
      };
      const auto one = accuracy(name), other = accuracy("plain KD");
      if (!one.empty() && !other.empty()) found.push_back(one.front() - other.front());
    }
    return found;
  }

  options wanted_;
  rw::dataset_splits data_;
  command_line::results_file results_;
  std::vector<compare_systems::row> rows_;
  std::int64_t left_ = 0;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace

int main(int argc, char** argv)
try {
  (void)rw::retain_heap();
  options wanted;
  CLI::App app{"What does each published system give? Students with equally many updates."};
  app.add_option("--data", wanted.data, "folder of a data set; without it the built-in glyphs")
      ->transform(command_line::folder_name);
  app.add_option("--samples", wanted.samples, "images to learn from; 0: all")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--systems", wanted.systems, "names of the rows; all without it");
  app.add_option("--bits", wanted.bits, "of the inner layers of the students; one or both")
      ->check(CLI::IsMember({2, 32}));
  app.add_option("--teacher-epochs", wanted.teacher_epochs)->check(CLI::PositiveNumber);
  app.add_option("--epochs", wanted.epochs, "of each student")->check(CLI::PositiveNumber);
  app.add_option("--seeds", wanted.seeds)->check(CLI::PositiveNumber);
  app.add_option("--batch", wanted.batch_size)->check(CLI::PositiveNumber);
  app.add_option("--minutes", wanted.minutes, "after which no run is begun; 0: no limit")
      ->check(command_line::finite_number);
  app.add_option("--out", wanted.folder, "folder of the results")
      ->transform(command_line::folder_name);
  command_line::add_relabel(app, wanted.relabel);
  app.get_formatter()->column_width(36);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    (void)app.exit(help);
    rw::require_written();
    return 0;
  }
  if (!wanted.data.empty()) wanted.data = command_line::whole_name(wanted.data);
  wanted.bits = command_line::without_repeats(wanted.bits);
  comparison{wanted, wanted.data.empty() ? rw::glyphs({.seed = rw::seed{1}})
                                         : command_line::open_data(wanted.data, wanted.relabel)}
      .compute();
  rw::require_written();
} catch (const CLI::ParseError& error) {
  std::fprintf(stderr, "compare_systems: %s\nTry --help.\n", error.what());
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "\n%s\n", error.what());
  return 2;
}
