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
#include "results_file.hpp"

#include <rolewise/rolewise.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace rw = rolewise;
using compare_systems::run;

struct options : command_line::comparison_options {
  options() : comparison_options{"compare_systems", 8, 3} {}

  std::vector<std::string> systems;  ///< all if empty
  std::vector<int> bits{32, 2};
};

class comparison {
 public:
  explicit comparison(const options& wanted)
      : wanted_{wanted},
        data_{wanted.open()},
        results_{wanted.results(data_.train)},
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
    if (wanted_.is_late()) {
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
};

}  // namespace

int main(int argc, char** argv)
{
  return command_line::program("compare_systems", [&] {
    (void)rw::retain_heap();
    options wanted;
    CLI::App app{"What does each published system give? Students with equally many updates."};
    wanted.add_to(app, 1);
    app.add_option("--systems", wanted.systems, "names of the rows; all without it");
    app.add_option("--bits", wanted.bits, "of the inner layers of the students; one or both")
        ->check(CLI::IsMember({2, 32}));
    if (!command_line::parsed(app, argc, argv)) return;
    wanted.bits = command_line::without_repeats(wanted.bits);
    comparison{wanted}.compute();
  });
}
