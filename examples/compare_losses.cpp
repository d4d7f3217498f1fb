// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What each distillation loss gives: students of one teacher that differ in their loss alone.
//
//     build/test/examples/compare_losses --data FOLDER --samples 5000 --out losses
//
// Two pairs of networks: ResNet-56 teaches ResNet-20, WRN-40-2 teaches VGG-8. The teacher is
// trained once, on augmented images; its outputs on the training images, as they are, are kept in a
// cache. A student of each loss and seed is then trained on these images.
//
// Each result is appended to results.jsonl as it is computed, and one that is there is not computed
// again: a comparison can be stopped at any time, or after --minutes, and goes on where it was.
// table.md sums up what is there.

#include "command_line.hpp"
#include "compare_losses/losses.hpp"
#include "results_file.hpp"

#include <rolewise/rolewise.hpp>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;

namespace {

struct options : command_line::comparison_options {
  options() : comparison_options{"compare_losses", 6, 2} {}

  std::vector<std::string> pairs{"resnet56-resnet20", "wrn40_2-vgg8"};
  std::vector<std::string> losses;  ///< all if empty
};

class comparison {
 public:
  explicit comparison(const options& wanted)
      : wanted_{wanted}, data_{wanted.open()}, results_{wanted.results(data_.train)}
  {}

  void run()
  {
    for (std::int64_t number = 1; number <= wanted_.seeds; ++number)
      for (const auto& pair : wanted_.pairs) {
        // The last maps of teacher and student, for SimKD.
        if (pair == "wrn40_2-vgg8")
          students_of<rw::tap::before_activation<3>, rw::tap::stage<4>>(
              pair, rw::wide_resnet(40, 2, shape(), teachers_start()), rw::vgg8, number);
        else
          students_of<rw::tap::stage<3>, rw::tap::stage<3>>(
              pair, rw::resnet56(shape(), teachers_start()), rw::resnet20, number);
      }
    rw::support::write_file_atomically(wanted_.folder + "/table.md", table().markdown());
    std::cout << table().text(rw::support::columns_for_lines(stdout));
    if (left_ > 0) std::cout << left_ << " runs are left; the same command goes on with them\n";
  }

 private:
  [[nodiscard]] const rw::sample_shape& shape() const { return data_.train.shape; }
  [[nodiscard]] static rw::network_options teachers_start() { return {.seed = rw::seed{100}}; }

  template<rw::tap_id TeachersLast, rw::tap_id StudentsLast, typename Network, typename MakeStudent>
  void students_of(const std::string& pair, const Network& untrained, const MakeStudent& make,
                   std::int64_t number)
  {
    const auto teacher = rw::frozen(trained(pair, untrained));
    const auto path = wanted_.folder + "/" + pair + ".cache";
    const rw::shown_views shown{.teacher_agent = rw::same_view{}, .student_agent = as_they_are_};
    const auto answers =
        rw::cached<rw::tap::stage<1>, rw::tap::stage<2>, rw::tap::stage<3>, rw::tap::penultimate>(
            teacher, data_.train, shown, {.path = path, .as = torch::kHalf});
    const rw::seed seed{static_cast<std::uint64_t>(number)};
    const auto on_logits =
        compare_losses::on_logits(wanted_.epochs, shape().classes);  // the first: the task alone
    const auto each = [&](const auto& teaches, const auto& rows, const auto& step_loss) {
      for (const auto& row : rows)
        measure(pair, row.name, number, [&] {
          auto student = make(shape(), {.seed = seed});
          if (row.initial_epochs > 0) {
            // At a fifth of the rate of what follows: losses of feature maps alone may diverge at
            // more.
            (void)train(teaches, student, row.loss, seed, 0, row.initial_epochs, 0.01);
            return train(answers, student, on_logits.front().loss, seed, row.initial_epochs,
                         wanted_.epochs);
          }
          return train(teaches, student, step_loss(row.loss), seed, 0, wanted_.epochs);
        });
    };
    const auto as_it_is = [](const auto& loss) { return loss; };
    const auto clipped = [](const auto& loss) {
      return rw::clipped_to_task{.task = compare_losses::task, .distillation = loss};
    };
    each(answers, on_logits, as_it_is);
    each(answers, compare_losses::on_features(data_.train, wanted_.epochs, seed), as_it_is);
    each(teacher, compare_losses::before_activations(wanted_.epochs), as_it_is);
    each(answers, compare_losses::beside_the_task(wanted_.epochs), clipped);
    measure(pair, "simkd", number, [&] {
      auto student = rw::with_reused_classifier<TeachersLast, StudentsLast>(
          make(shape(), {.seed = seed}), teacher, {.seed = seed});
      return train(teacher, student, rw::simkd<TeachersLast>{}, seed, 0, wanted_.epochs);
    });
  }

  /// The teacher: trained, or as an earlier call has left it.
  template<typename Network>
  [[nodiscard]] Network trained(const std::string& pair, const Network& untrained)
  {
    const auto folder = wanted_.folder + "/" + pair;
    command_line::make_folder(folder);
    rw::supervised training{.student = untrained,
                            .agent = rw::pad_crop_flip{.padding = 4},
                            .optimizer = rw::sgd{.learning_rate = 0.1},
                            .seed = rw::seed{100}};
    rw::fit(training, data_.train,
            {.epochs = wanted_.teacher_epochs,
             .batch_size = wanted_.batch_size,
             .seed = rw::seed{100},
             .resume = true},
            rw::checkpoints{.folder = folder}, rw::progress_bar{.title = pair + ", teacher"});
    measure(pair, "teacher", 0, [&] { return rw::accuracy(training.student, data_.test); });
    return training.student;
  }

  /// Epochs `from` .. `until` - 1 of a student's training; its accuracy.
  template<typename Teacher, typename Student, typename Loss>
  [[nodiscard]] double train(const Teacher& teacher, Student& student, const Loss& loss,
                             rw::seed seed, std::int64_t from, std::int64_t until,
                             double learning_rate = 0.05) const
  {
    rw::distillation training{.teacher = teacher,
                              .student = student,
                              .teacher_agent = rw::same_view{},
                              .student_agent = as_they_are_,
                              .loss = loss,
                              .optimizer = rw::sgd{.learning_rate = learning_rate},
                              .seed = seed};
    rw::fit(training, data_.train,
            {.epochs = wanted_.epochs,
             .batch_size = wanted_.batch_size,
             .seed = seed,
             .from = from,
             .until = until});
    student = training.student;
    return rw::accuracy(student, data_.test);
  }

  /// Computes a result, unless it is there. Networks that a loss cannot compare and runs that
  /// diverge are results, too.
  template<typename Accuracy>
  void measure(const std::string& pair, const std::string& name, std::int64_t number,
               const Accuracy& accuracy)
  {
    if (name != "teacher" && !is_wanted(name)) return;
    const nlohmann::json key{{"pair", pair}, {"loss", name}, {"seed", number}};
    if (results_.contains(key)) return;
    if (wanted_.is_late() && name != "teacher") {
      ++left_;
      return;
    }
    results_.measure(key, pair + ", " + name + ", seed " + std::to_string(number), accuracy);
  }

  [[nodiscard]] bool is_wanted(const std::string& name) const
  {
    const auto& wanted = wanted_.losses;
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end();
  }
  [[nodiscard]] rw::report::table table() const
  {
    std::vector<std::string> titles{"loss"};
    for (const auto& pair : wanted_.pairs) {
      titles.push_back(pair + ", accuracy, %");
      titles.push_back("s a run");
    }
    rw::report::table shown{titles};
    for (const auto& name : results_.names("loss")) {
      std::vector<std::string> cells{name};
      for (const auto& pair : wanted_.pairs) {
        const nlohmann::json key{{"pair", pair}, {"loss", name}};
        cells.push_back(command_line::spread(results_.numbers(key, "accuracy"), 2));
        cells.push_back(command_line::spread(results_.numbers(key, "seconds"), 1));
      }
      shown.add(cells);
    }
    return shown;
  }

  options wanted_;
  rw::dataset_splits data_;
  rw::cyclic_views<> as_they_are_{.views = 1};  // the images come again, so answers are kept
  command_line::results_file results_;
  std::int64_t left_ = 0;
};

}  // namespace

int main(int argc, char** argv)
{
  return command_line::program("compare_losses", [&] {
    (void)rw::retain_heap();
    options wanted;
    CLI::App app{
        "What does each distillation loss give? Students that differ in their loss alone."};
    wanted.add_to(app, 2);
    app.add_option("--pairs", wanted.pairs, "teacher and student; one or more")
        ->check(CLI::IsMember({"resnet56-resnet20", "wrn40_2-vgg8"}));
    app.add_option("--losses", wanted.losses, "names of the rows; all without it");
    if (!command_line::parsed(app, argc, argv)) return;
    wanted.pairs = command_line::without_repeats(wanted.pairs);
    comparison{wanted}.run();
  });
}
