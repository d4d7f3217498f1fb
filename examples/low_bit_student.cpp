// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Accuracy by bit width: low-bit students that start from the weights of a full-precision network.
//
//     build/test/examples/low_bit_student                                   2-bit LSQ on glyphs
//     build/test/examples/low_bit_student --quantizer dorefa pact lsq --bits 32 4 3 2 1
//     build/test/examples/low_bit_student --data FOLDER --network resnet20 --seeds 3
//
// Every student starts from the weights of the full-precision network of its seed, is distilled
// from it and trains for the same number of updates; a 32-bit student shows the effect of the
// updates alone. Accuracy is that on the test images, before and after batch norm's running
// statistics are re-estimated. The full-precision network is also quantized to 8 bits without
// training; the share of test images with an unchanged arg max is printed with the progress.
// Results are appended to results.jsonl as they are computed and summarized in table.md.

#include "command_line.hpp"
#include "open_data.hpp"

#include <rolewise/rolewise.hpp>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;

namespace {

struct job {
  std::string data;
  bool relabel = false;
  std::string network = "resnet8";
  std::vector<std::string> quantizers{"lsq"};
  std::vector<int> bits{2};
  std::string ends = "full";
  std::int64_t samples = 0;
  std::int64_t full_epochs = 6;
  std::int64_t epochs = 4;
  std::int64_t seeds = 1;
  std::int64_t batch_size = 64;
  double learning_rate = 0.02;
  double range_rate = 0.01;
  std::string folder = "low_bit_student";
};

/// The results of one network.
struct outcome {
  std::string quantizer;
  int bits = 32;
  std::int64_t seed = 0;
  double as_trained = 0.0;  ///< test accuracy, %
  double measured = 0.0;    ///< the same after batch norm's statistics are re-estimated
  double bytes = 0.0;
  double seconds = 0.0;
};

const std::vector<std::string> all_quantizers{"dorefa", "pact", "lsq", "uniform", "pact+sawb"};

/// Calls `use(quantizer)` with the quantizer of a name.
template<typename Use>
void with_quantizer(const std::string& name, Use&& use)
{
  if (name == "dorefa") return use(rw::dorefa{});
  if (name == "pact") return use(rw::pact{});
  if (name == "lsq") return use(rw::lsq{});
  if (name == "uniform") return use(rw::uniform_affine{});
  return use(rw::paired{rw::sawb{}, rw::pact{}});
}

/// Whether a quantizer supports `bits` for both weights and activations.
[[nodiscard]] bool exists(const std::string& quantizer, int bits)
{
  if (quantizer == "pact+sawb") return bits <= 5 || bits == 8 || bits == 32;
  if (quantizer == "uniform") return bits >= 2;
  return true;
}

[[nodiscard]] rw::full_precision_ends scheme_of(const job& wanted, int bits)
{
  const rw::bit_width width{bits}, eight{8}, full{32};
  if (wanted.ends == "full" || bits == 32) return {.weights = width, .activations = width};
  return {.weights = width, .activations = width, .first = {eight, full}, .last = {eight, eight}};
}

class experiment {
 public:
  experiment(const job& wanted, rw::dataset_splits data) : wanted_{wanted}, data_{std::move(data)}
  {
    if (wanted.samples > 0 && wanted.samples < data_.train.size())
      data_.train = rw::stratified_subset(data_.train, wanted.samples, rw::seed{1});
    command_line::make_folder(wanted.folder);
  }

  void run()
  {
    for (std::int64_t number = 1; number <= wanted_.seeds; ++number) {
      const auto pretraining = full_precision(number);
      for (const auto& quantizer : wanted_.quantizers)
        for (const int bits : wanted_.bits)
          if (exists(quantizer, bits))
            with_quantizer(quantizer, [&](const auto& q) {
              student(pretraining, q, quantizer, bits, number);
            });
    }
    rw::support::write_file_atomically(wanted_.folder + "/table.md", table().markdown());
    std::cout << table().text(rw::support::columns_for_lines(stdout));
  }

 private:
  using full_network = decltype(rw::make_residual_network(rw::resnet_plan(8), rw::sample_shape{}));

  [[nodiscard]] rw::residual_plan<> plan() const
  {
    return rw::resnet_plan(std::stoi(wanted_.network.substr(std::string{"resnet"}.size())));
  }

  [[nodiscard]] auto run_options(std::int64_t epochs, std::int64_t number) const
  {
    return rw::fit_options{.epochs = epochs,
                           .batch_size = wanted_.batch_size,
                           .seed = rw::seed{static_cast<std::uint64_t>(number)}};
  }

  [[nodiscard]] full_network full_precision(std::int64_t number)
  {
    const rw::seed seed{static_cast<std::uint64_t>(number)};
    rw::supervised pretraining{
        .student = rw::make_residual_network(plan(), data_.train.shape, {}, {}, {.seed = seed}),
        .agent = agent_,
        .optimizer = rw::sgd{.learning_rate = 0.1},
        .seed = seed};
    const auto begin = std::chrono::steady_clock::now();
    rw::fit(pretraining, data_.train, run_options(wanted_.full_epochs, number),
            rw::progress_bar{.title = c10::str("seed ", number, ", full precision")});
    keep(pretraining.student, "full precision, the start", 32, number, begin);
    predict_in_int8(pretraining.student, number);
    return pretraining.student;
  }

  void predict_in_int8(const full_network& trained, std::int64_t number) const
  {
    constexpr std::int64_t batches_seen = 8;
    std::vector<rw::batch> seen;
    for (const rw::batch& examples : rw::batches(data_.train, {.size = wanted_.batch_size})) {
      seen.push_back(examples);
      if (std::ssize(seen) == batches_seen) break;
    }
    const auto bytes = rw::post_training_quantized(trained, seen);
    const double alike = rw::measurement::agreement(rw::frozen(trained), bytes,
                                                    rw::batches(data_.test, {.size = 256}));
    add_result({{"agreement", 100 * alike}, {"seed", number}});
    std::cout << "seed " << number << ": in 8 bits the likeliest class is the same for "
              << rw::report::fixed_text(100 * alike, 2) << " % of the test images\n";
  }

  template<typename Q>
  void student(const full_network& start, const Q& q, const std::string& name, int bits,
               std::int64_t number)
  {
    const rw::seed seed{static_cast<std::uint64_t>(number)};
    auto learner = rw::make_residual_network(plan(), data_.train.shape, q, scheme_of(wanted_, bits),
                                             {.seed = seed.split(2)});
    (void)rw::copy_weights(start, learner);
    const rw::param_groups method{.weights = rw::sgd{.learning_rate = wanted_.learning_rate},
                                  .ranges = rw::sgd{.learning_rate = wanted_.range_rate}};
    const auto title = c10::str("seed ", number, ", ", name, " ", bits, " bits");
    const auto begin = std::chrono::steady_clock::now();
    rw::distillation training{
        .teacher = rw::frozen(start),
        .student = std::move(learner),
        .teacher_agent = rw::same_view{},
        .student_agent = rw::no_agent{},
        .shared_agent = agent_,
        .loss = 0.1 * rw::cross_entropy{} + 0.9 * rw::soft_target_kl{rw::temperature{4}},
        .optimizer = method,
        .seed = seed};
    rw::fit(training, data_.train, run_options(wanted_.epochs, number),
            rw::progress_bar{.title = title});
    keep(training.student, name, bits, number, begin);
  }

  template<typename Network>
  void keep(Network& network, const std::string& name, int bits, std::int64_t number,
            std::chrono::steady_clock::time_point begin)
  {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    outcome found{.quantizer = name, .bits = bits, .seed = number};
    found.seconds = took.count();
    found.as_trained = 100 * rw::accuracy(network, data_.test);
    rw::update_bn(network, data_.train, agent_, {.batch_size = wanted_.batch_size});
    found.measured = 100 * rw::accuracy(network, data_.test);
    found.bytes = network.bytes();
    outcomes_.push_back(found);
    add_result({{"quantizer", name},
                {"bits", bits},
                {"seed", number},
                {"accuracy", found.as_trained},
                {"measured", found.measured},
                {"bytes", found.bytes},
                {"seconds", found.seconds}});
  }

  void add_result(const nlohmann::json& result) const
  {
    const auto path = wanted_.folder + "/results.jsonl";
    std::ofstream out{path, std::ios::app};
    if (!(out << result.dump() << std::endl)) rw::throw_runtime_error(path, "cannot be written");
  }

  [[nodiscard]] rw::report::table table() const
  {
    std::map<std::pair<std::size_t, int>, std::vector<const outcome*>> rows;
    const auto place = [&](const outcome& o) {
      for (std::size_t i = 0; i < wanted_.quantizers.size(); ++i)
        if (wanted_.quantizers[i] == o.quantizer) return i + 1;
      return std::size_t{0};
    };
    for (const auto& o : outcomes_) rows[{place(o), -o.bits}].push_back(&o);
    rw::report::table shown{
        {"quantizer", "bits", "accuracy, %", "statistics measured, %", "bytes", "seconds"}};
    for (const auto& [key, runs] : rows) {
      const auto spread = [](const std::vector<double>& values, int digits) {
        return rw::report::spread_text(rw::report::statistics_of(values), digits);
      };
      std::vector<double> trained, measured, seconds;
      for (const auto* o : runs) {
        trained.push_back(o->as_trained);
        measured.push_back(o->measured);
        seconds.push_back(o->seconds);
      }
      shown.add({runs.front()->quantizer, std::to_string(runs.front()->bits), spread(trained, 2),
                 spread(measured, 2), rw::report::fixed_text(runs.front()->bytes, 0),
                 spread(seconds, 1)});
    }
    return shown;
  }

  job wanted_;
  rw::dataset_splits data_;
  rw::pad_crop_flip agent_{.padding = 2};
  std::vector<outcome> outcomes_;
};

}  // namespace

int main(int argc, char** argv)
{
  return command_line::program("low_bit_student", [&] {
    (void)rw::retain_heap();
    job wanted;
    CLI::App app{"What do bits cost? Low-bit students that start from a full-precision network."};
    app.add_option("--data", wanted.data, "folder of a data set; without it the built-in glyphs")
        ->transform(command_line::folder_name);
    app.add_option("--samples", wanted.samples, "images to learn from; 0: all")
        ->check(CLI::NonNegativeNumber);
    app.add_option("--network", wanted.network)
        ->check(CLI::IsMember({"resnet8", "resnet20", "resnet56"}));
    app.add_option("--quantizer", wanted.quantizers, "one or more")
        ->check(CLI::IsMember(all_quantizers));
    app.add_option("--bits", wanted.bits, "of weights and activations; one or more")
        ->check(CLI::IsMember({1, 2, 3, 4, 5, 6, 7, 8, 32}));
    app.add_option("--ends", wanted.ends, "first and last layer: in full or in 8 bits")
        ->check(CLI::IsMember({"full", "8"}));
    app.add_option("--full-epochs", wanted.full_epochs, "of the full-precision network")
        ->check(CLI::PositiveNumber);
    app.add_option("--epochs", wanted.epochs, "of each student")->check(CLI::PositiveNumber);
    app.add_option("--seeds", wanted.seeds)->check(CLI::PositiveNumber);
    app.add_option("--batch", wanted.batch_size)->check(CLI::PositiveNumber);
    app.add_option("--learning-rate", wanted.learning_rate,
                   "learning rate of the students' weights")
        ->check(command_line::finite_number);
    app.add_option("--range-learning-rate", wanted.range_rate, "learning rate of learned ranges")
        ->check(command_line::finite_number);
    app.add_option("--out", wanted.folder, "folder of the results")
        ->transform(command_line::folder_name);
    command_line::add_relabel(app, wanted.relabel);
    if (!command_line::parsed(app, argc, argv)) return;
    if (!wanted.data.empty()) wanted.data = command_line::whole_name(wanted.data);
    // A repeated value would be counted as another seed.
    wanted.quantizers = command_line::without_repeats(wanted.quantizers);
    wanted.bits = command_line::without_repeats(wanted.bits);
    experiment{wanted, command_line::open_or_draw(wanted.data, wanted.relabel)}.run();
  });
}
