// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: a whole search for augmentation policies, against the usual Python implementation.
// Sixteen trials of a ResNet-8 on images of 32x32x3, population-based, batch 128, two concurrent
// trials with one thread each; in full precision, in mixed precision (ours alone), and with 2-bit
// inner layers. The peer (bench/peers/search.py) runs the same trials for the same epochs on the
// same images: one process per trial, Pillow, checkpoints through files. Its processes are forked,
// which is the cheapest, or new interpreters, which is usual. Initial policies are random, not
// zeros as in Population Based Augmentation: in so few epochs zeros would apply no operation on
// either side.
//
// The number of validation images determines much of the cost, so both sides search with two
// validation sets: a stratified one so small that it takes under 15 % of our time, and one of ten
// times the training set (11.5 times in Population Based Augmentation). Each side's own choice is
// the former for ours, the latter for Python.

#include "support/measure.hpp"
#include "support/peer.hpp"

#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/agent/view_of.hpp>
#include <rolewise/data/glyphs.hpp>
#include <rolewise/data/splits.hpp>
#include <rolewise/network/pass_precision.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/schemes.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/population_based.hpp>
#include <rolewise/support/retain_heap.hpp>
#include <rolewise/systems/search_cost.hpp>
#include <rolewise/systems/search_splits.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/learning_rate_schedule.hpp>
#include <rolewise/train/run_search.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/supervised.hpp>

#include <ATen/Parallel.h>
#include <torch/csrc/jit/serialization/pickle.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;

namespace {

/// Phases of a search, as the peer names them; "rest" is the time outside of the others.
constexpr std::array phases{"augment", "train", "validate", "checkpoint", "rest"};
using times = std::array<double, phases.size()>;

/// Nanoseconds of the phases that ours has, summed over all trials.
struct clocks {
  std::atomic<std::int64_t> augment{0}, train{0}, validate{0};
};

template<typename F>
auto timed(std::atomic<std::int64_t>& sum, F&& f)
{
  const auto start = std::chrono::steady_clock::now();
  auto result = f();
  sum += std::chrono::nanoseconds{std::chrono::steady_clock::now() - start}.count();
  return result;
}

/// A training step that times its view and its update.
template<typename Training>
struct watched : Training {
  clocks* spent;

  watched(Training training, clocks* where) : Training{std::move(training)}, spent{where} {}

  rw::metrics operator()(const rw::batch& examples, const rw::training_progress& progress)
  {
    auto view = timed(spent->augment, [&] {
      return rw::view_of(this->agent, examples, progress, this->seed.split(rw::role::student),
                         rw::view_form{}, this->learner_state.buffers());
    });
    return timed(spent->train, [&] { return this->take(std::move(view), progress); });
  }
};

using agent = rw::compose<rw::policy_agent, rw::pad_crop_flip>;

agent shown(const rw::search::configuration& at)
{
  return agent{rw::policy_agent{.policy = rw::search::policy_at(at)}, rw::pad_crop_flip{}};
}

/// The factory of trials: creates a trial, or moves an existing one to a new configuration.
template<typename New>
struct maker {
  New network;  ///< `(seed)` returns a new network
  double rate;
  clocks* spent;

  auto operator()(const rw::search::configuration& at, std::int64_t, rw::seed own) const
  {
    return watched{rw::supervised{.student = network(own.split(rw::purpose{"network"})),
                                  .agent = shown(at),
                                  .optimizer = rw::sgd{.learning_rate = rate},
                                  .lr_schedule = rw::constant_lr{},
                                  .seed = own.split(rw::purpose{"views"})},
                   spent};
  }
  void operator()(auto& step, const rw::search::configuration& at, std::int64_t, rw::seed) const
  {
    step.agent = shown(at);
  }
};

struct outcome {
  double seconds = 0.0;
  double best = 0.0;  ///< accuracy, %
  times spent{};      ///< seconds by phase, divided by the concurrent trials; add up to `seconds`
};

/// @param rate learning rate
template<typename New>
outcome search(const New& network, double rate, const rw::dataset& train,
               const rw::dataset& validation, const rw::search_run_options& options)
{
  clocks spent;
  outcome found;
  found.seconds = 1e-3 * bench::milliseconds([&] {
                    const auto result = rw::run_search(
                        rw::search::population_based{}, rw::search::policy_space(),
                        maker<New>{network, rate, &spent},
                        [&](const auto& step) {
                          return timed(spent.validate, [&] {
                            return rw::accuracy(step.evaluated(), validation, {.batch_size = 32});
                          });
                        },
                        train, options);
                    found.best = 100 * *result.best().score;
                  });
  const auto seconds = [&](const std::atomic<std::int64_t>& sum) {
    return 1e-9 * static_cast<double>(sum.load()) /
           static_cast<double>(options.max_concurrent_trials);
  };
  const double augment = seconds(spent.augment), learn = seconds(spent.train),
               validate = seconds(spent.validate);
  found.spent = {augment, learn, validate, 0.0, found.seconds - augment - learn - validate};
  return found;
}

/// The peer's weight initialization: over so few epochs it has a strong effect on accuracy.
constexpr auto like_the_peer = rw::conv_init::uniform_fan_in;

/// @param mixed whether full-precision convolutions run in bfloat16
outcome search(int bits, bool mixed, const rw::dataset& train, const rw::dataset& validation,
               const rw::search_run_options& options)
{
  const auto shape = train.shape;
  if (bits == 2)
    return search(
        [shape](rw::seed own) {
          return rw::resnet8(shape, rw::dorefa{}, rw::inner_bits<2>,
                             {.seed = own,
                              .convolutions = like_the_peer,
                              .precision = {.backward = rw::pass_precision::bfloat16}});
        },
        0.02, train, validation, options);
  const auto passes = mixed ? rw::pass_precision::bfloat16 : rw::pass_precision::full;
  return search(
      [shape, passes](rw::seed own) {
        return rw::resnet8(
            shape, {.seed = own, .convolutions = like_the_peer, .precision = {passes, passes}});
      },
      0.1, train, validation, options);
}

/// @param anew whether each process starts a new interpreter; otherwise it is forked
std::optional<outcome> search(bench::peer& python, int bits, std::int64_t training,
                              std::int64_t validation, const rw::search_run_options& options,
                              bool anew)
{
  const auto seconds = python.ask(c10::str("search ", bits, ' ', options.trials, ' ',
                                           options.epochs, ' ', options.evaluation_interval, ' ',
                                           training, ' ', validation, anew ? " anew" : ""));
  const auto best = python.ask("best");
  if (!seconds || !best) return std::nullopt;
  outcome found{.seconds = *seconds, .best = *best};
  for (std::size_t i = 0; i < phases.size(); ++i) {
    const auto part = python.ask(phases[i]);
    if (!part) return std::nullopt;
    found.spent[i] = *part;
  }
  return found;
}

/// An implementation under comparison, and the outcomes of its searches so far.
struct contestant {
  std::string name;
  int repetitions;
  std::function<std::optional<outcome>()> turn;
  std::vector<outcome> found{};

  [[nodiscard]] std::vector<double> seconds() const
  {
    std::vector<double> all;
    for (const auto& each : found) all.push_back(each.seconds);
    return all;
  }
  [[nodiscard]] double median_of(std::size_t phase) const
  {
    std::vector<double> all;
    for (const auto& each : found) all.push_back(each.spent[phase]);
    return bench::median(all);
  }
};

/// Indices into `whole`: those of its subset `first`, then those of all other examples.
torch::Tensor with_first(const rw::dataset& whole, const rw::dataset& first)
{
  const auto is_first = at::isin(whole.ids, first.ids);
  return torch::cat({is_first.nonzero().flatten(), is_first.logical_not().nonzero().flatten()});
}

rw::dataset first_of(const rw::dataset& all, std::int64_t count)
{
  return rw::subset(all, torch::arange(count));
}

/// A temporary file, removed by the destructor.
struct scratch_file {
  std::string path;

  explicit scratch_file(std::string where) : path{std::move(where)} {}
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;
  ~scratch_file() { std::remove(path.c_str()); }
};

void write_task(const std::string& file, const rw::dataset& train, const rw::dataset& validation)
{
  c10::Dict<std::string, torch::Tensor> all;
  all.insert("images", train.inputs);
  all.insert("labels", train.labels);
  all.insert("judges", validation.inputs);
  all.insert("judged_labels", validation.labels);
  const auto bytes = torch::jit::pickle_save(all);
  std::ofstream out{file, std::ios::binary};
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out.flush()) throw std::runtime_error{"search: cannot write " + file};
}

void print(const std::string& name, double goal, const contestant& ours, const contestant& theirs)
{
  if (ours.found.empty() || theirs.found.empty()) return;
  const auto a = ours.seconds(), b = theirs.seconds();
  bench::print({name, bench::median(a), bench::median(b), *std::min_element(a.begin(), a.end()),
                *std::min_element(b.begin(), b.end()), "s", goal});
}

/// Prints the median seconds of each phase as a Markdown table.
void print_table(const std::vector<contestant>& all)
{
  std::string head = "| s |", line = "|---|";
  for (const auto& c : all) {
    head += ' ' + c.name + " |";
    line += "---:|";
  }
  std::fprintf(stderr, "%s\n%s\n", head.c_str(), line.c_str());
  const auto row = [&](const char* name, const auto& value) {
    std::fprintf(stderr, "| %s |", name);
    for (const auto& c : all) std::fprintf(stderr, " %.2f |", value(c));
    std::fputc('\n', stderr);
  };
  for (std::size_t i = 0; i < phases.size(); ++i)
    row(phases[i], [&](const contestant& c) { return c.median_of(i); });
  row("whole search", [](const contestant& c) { return bench::median(c.seconds()); });
  row("best accuracy, %", [](const contestant& c) { return c.found.back().best; });
}

/// The data sets of a search.
struct task {
  rw::dataset train;
  rw::dataset many;  ///< large validation set; begins with `few`
  rw::dataset few;   ///< small validation set, stratified

  task(std::int64_t training, std::int64_t count_of_many, std::int64_t count_of_few)
  {
    const rw::seed key{1};
    const auto made = rw::glyphs(
        {.height = 32, .width = 32, .channels = 3, .train = training + count_of_many, .test = 0});
    auto parts = rw::systems::split_for_search(made.train, training, count_of_many, key);
    train = std::move(parts.search);
    const auto chosen = rw::stratified_subset(parts.validation, count_of_few, key);
    many = rw::subset(parts.validation, with_first(parts.validation, chosen));
    few = first_of(many, count_of_few);
  }
};

std::string name_of(const std::string& who, int bits, std::int64_t validation)
{
  return c10::str(who, bits == 2 ? ", 2 bits, " : ", ", validation, " validate");
}

/// Runs all in rotating order, each as often as its `repetitions` (at most three times).
void compete(std::vector<contestant>& all)
{
  for (int i = 0; i < 3; ++i)
    for (std::size_t k = 0; k < all.size(); ++k) {
      auto& next = all[(static_cast<std::size_t>(i) + k) % all.size()];
      if (i >= next.repetitions) continue;
      const auto found = next.turn();
      if (!found) continue;
      std::fprintf(stderr, "%s: %.1f s\n", next.name.c_str(), found->seconds);
      next.found.push_back(*found);
    }
}

/// Prints validation's share of the time of our search with the small validation set.
void print_share(const std::string& what, const contestant& ours)
{
  std::vector<double> percent;
  for (const auto& each : ours.found) percent.push_back(100 * each.spent[2] / each.seconds);
  const auto most = 15.0;
  bench::print({what, bench::median(percent), most,
                *std::min_element(percent.begin(), percent.end()), most, "% of the time", 1});
}

/// @param all in the order of `main`
void report(std::vector<contestant>& all, const std::string& what, std::int64_t few,
            std::int64_t many)
{
  const auto each = [&](const char* network, std::int64_t a, std::int64_t b, bool anew = false) {
    return c10::str(what, ", against a process a trial", anew ? "" : ", forked",
                    ", Pillow and files, ", network,
                    a == b ? ", both validate with " : ", ours validates with ", a,
                    a == b ? "" : c10::str(", Python with ", b));
  };
  print_share(c10::str("validation with ", few, " in a ", what), all[0]);
  print(each("ResNet-8", few, few), 2, all[0], all[1]);
  print(each("ResNet-8", many, many), 2, all[2], all[3]);
  print(each("ResNet-8", few, many), 5, all[0], all[3]);
  print(each("ResNet-8 of 2 bits", few, few), 2, all[4], all[5]);
  print(each("ResNet-8", few, few, true), 2, all[0], all[6]);
  print(each("ResNet-8", few, many, true), 5, all[0], all[7]);
  print(each("ResNet-8 of 2 bits", few, few, true), 2, all[4], all[8]);
  const std::string mixed = "ResNet-8, ours in mixed precision";
  print(each(mixed.c_str(), few, few), 2, all[9], all[1]);
  print(each(mixed.c_str(), few, many), 5, all[9], all[3]);
  print(each(mixed.c_str(), few, few, true), 2, all[9], all[6]);
  std::erase_if(all, [](const contestant& c) { return c.found.empty(); });
  print_table(all);
}

}  // namespace

int main(int argc, char** argv)
try {
  const bool is_short = bench::is_short(argc, argv);
  (void)rw::retain_heap();
  at::set_num_threads(1);
  const rw::search_run_options options{.trials = 16,
                                       .epochs = is_short ? 1 : 2,
                                       .evaluation_interval = 1,
                                       .batch_size = 128,
                                       .max_concurrent_trials = 2,
                                       .threads_per_trial = 1};
  const std::int64_t training = is_short ? 1000 : 4000, many = 10 * training,
                     few = rw::systems::validation_examples(training, options);
  const task given{training, many, few};
  const scratch_file file{ROLEWISE_SCRATCH "/search.pt"};
  write_task(file.path, given.train, given.many);
  bench::peer python{ROLEWISE_PEERS "/search.py"};
  const bool has_peer = python.ask("load " + file.path).has_value();
  if (!has_peer) std::fprintf(stderr, "no peer: PyTorch or Pillow in Python is missing\n");

  const auto ours = [&](int bits, const rw::dataset& validation, int repetitions,
                        bool mixed = false) {
    return contestant{name_of(mixed ? "ours, mixed precision" : "ours", bits, validation.size()),
                      repetitions, [&, bits, mixed, by = &validation] {
                        return std::optional{search(bits, mixed, given.train, *by, options)};
                      }};
  };
  const auto theirs = [&](int bits, std::int64_t validation, int repetitions, bool anew = false) {
    return contestant{name_of(anew ? "Python, interpreters" : "Python, forks", bits, validation),
                      has_peer ? repetitions : 0, [&, bits, validation, anew] {
                        return search(python, bits, training, validation, options, anew);
                      }};
  };
  const int often = is_short ? 1 : 3;  // the other searches take several times as long
  std::vector<contestant> all{ours(32, given.few, often),
                              theirs(32, few, often),
                              ours(32, given.many, is_short ? 0 : 1),
                              theirs(32, many, 1),
                              ours(2, given.few, 1),
                              theirs(2, few, 1),
                              theirs(32, few, 1, true),
                              theirs(32, many, 1, true),
                              theirs(2, few, 1, true),
                              ours(32, given.few, often, true)};
  for (const int bits : {32, 2}) {  // warm-up: the first search of a process pays for first use
    auto small = options;
    small.trials = 2;
    (void)search(bits, false, first_of(given.train, 256), first_of(given.many, 128), small);
    if (has_peer) (void)search(python, bits, 256, 128, small, false);
  }
  compete(all);
  report(all,
         c10::str("search of ", options.trials, " trials of ", options.epochs,
                  options.epochs == 1 ? " epoch" : " epochs", ", ", training, " training images"),
         few, many);
  return 0;
} catch (const std::exception& wrong) {
  std::fprintf(stderr, "%s\n", wrong.what());
  return 1;
}
