// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: a whole step of role-wise distillation of a 2-bit student, against PyTorch. A
// ResNet-56 teacher trained in full precision, a DoReFa ResNet-20 with 2-bit inner layers,
// RandAugment(2, 5), crop and flip for each role, both views from one image of 32x32x3, batch 128,
// two threads.
//
// Ours: the teacher in 8 bits, the student's forward pass on integers, its backward pass in single
// precision or in bfloat16. PyTorch (bench/peers/role_wise_step.py) has the same images and the
// same teacher weights, and takes its steps in turn with ours: the usual implementation, and the
// best tuned one. Also reported: how often each teacher's arg max is that of full precision, and
// the time of each part of the step.

#include "support/measure.hpp"
#include "support/peer.hpp"

#include <rolewise/rolewise.hpp>

#include <ATen/Parallel.h>
#include <torch/csrc/jit/serialization/pickle.h>
#include <torch/types.h>

#include <array>
#include <chrono>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace rw = rolewise;

namespace {

constexpr std::int64_t batch_size = 128;
constexpr rw::sample_shape shape{.channels = 3, .height = 32, .width = 32, .classes = 100};

using agent = rw::compose<rw::rand_augment, rw::pad_crop_flip>;
const agent shown{rw::rand_augment{.operations = 2, .magnitude = 5}, rw::pad_crop_flip{}};

/// Synthetic data: one smooth pattern for each of ten classes, plus noise. A deep network separates
/// the classes after few steps.
rw::dataset pictures(std::int64_t count)
{
  constexpr std::int64_t known = 10;
  const auto coarse = torch::randn({known, shape.channels, 4, 4});
  const auto patterns =
      at::upsample_bicubic2d(coarse, {shape.height, shape.width}, /*align_corners=*/false);
  rw::dataset made;
  made.shape = shape;
  made.labels = torch::arange(count).remainder_(known);
  made.inputs = patterns.index_select(0, made.labels)
                    .mul_(50)
                    .add_(torch::randn({count, shape.channels, shape.height, shape.width}), 20)
                    .add_(128)
                    .clamp_(0, 255)
                    .to(torch::kByte);
  made.ids = torch::arange(count);
  made.normalization = {.mean = {.4914, .4822, .4465}, .std = {.2470, .2435, .2616}};
  made.name = "pictures";
  return made;
}

/// Trains a teacher on ten of its hundred classes, so that some of its predictions are confident.
auto trained_teacher(const rw::dataset& data, bool is_short)
{
  rw::supervised pretraining{
      .student = rw::resnet56(shape), .agent = shown, .optimizer = rw::sgd{.learning_rate = 0.05}};
  rw::fit(pretraining, data, {.epochs = is_short ? 2 : 4, .batch_size = batch_size / 2});
  std::cerr << "teacher: right on " << 100 * rw::accuracy(pretraining.student, data)
            << " % of the images that it has learned from\n";
  return pretraining.student;
}

template<typename Network>
void write_task(const std::string& file, Network teacher, const rw::dataset& data)
{
  c10::Dict<std::string, torch::Tensor> all;
  rw::for_each_tensor(teacher, [&](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
    if (t.defined()) all.insert(name, t.detach().contiguous());
  });
  all.insert("images", data.inputs);
  all.insert("labels", data.labels);
  const auto bytes = torch::jit::pickle_save(all);
  std::ofstream{file, std::ios::binary}.write(bytes.data(),
                                              static_cast<std::streamsize>(bytes.size()));
}

/// Parts of a step, as the peers name them.
constexpr std::array parts{"examples", "views-teacher", "views-student", "teacher",
                           "forward",  "loss",          "backward",      "optimizer"};
using times = std::array<double, parts.size()>;

/// Adds the milliseconds of a call to `sum` and returns its result.
template<typename F>
auto timed(double& sum, F&& f)
{
  const auto start = std::chrono::steady_clock::now();
  auto result = f();
  sum +=
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return result;
}

/// Times training steps, whole or part by part.
template<typename Training>
class steps {
 public:
  steps(Training training, const rw::dataset& data)
      : training_{std::move(training)},
        source_{rw::batches(data, {.size = batch_size})},
        optimizer_{training_.optimizer.start(training_.student.parameters())}
  {}

  double whole()
  {
    return bench::milliseconds([&] {
      (void)training_(source_.gather(next(), memory_), rw::training_progress{.epoch = epoch_});
    });
  }

  /// Runs one step and times each of its parts.
  times by_parts()
  {
    times t{};
    const rw::training_progress progress{.epoch = epoch_};
    const auto examples = timed(t[0], [&] { return source_.gather(next(), memory_); });
    const auto seen_by = [&](const auto& own, rw::role who) {
      return rw::view_of(own, examples, progress, training_.seed.split(who), rw::view_form{},
                         buffers_);
    };
    const auto teachers =
        timed(t[1], [&] { return seen_by(training_.teacher_agent, rw::role::teacher); });
    const auto students =
        timed(t[2], [&] { return seen_by(training_.student_agent, rw::role::student); });
    rw::paired_outputs pair;
    pair.teacher = timed(t[3], [&] { return training_.teacher.forward(teachers); });
    pair.student = timed(t[4], [&] { return training_.student.forward(students); });
    const rw::targets targets{students.labels, students.ids, progress};
    const auto loss = timed(t[5], [&] { return rw::evaluate_loss(training_.loss, pair, targets); });
    const auto learned = training_.student.parameters();
    const auto gradients = timed(t[6], [&] {
      loss.backward();
      std::vector<torch::Tensor> found;
      for (const auto& p : learned)
        found.push_back(std::exchange(p.value.mutable_grad(), torch::Tensor{}));
      return found;
    });
    t[7] = bench::milliseconds(
        [&] { optimizer_.update(learned, gradients, training_.learning_rate(progress)); });
    return t;
  }

 private:
  /// Index of the next batch; starts a new epoch after the last one, so that no view repeats.
  std::int64_t next()
  {
    if (++step_ == static_cast<std::int64_t>(source_.size())) {
      step_ = 0;
      ++epoch_;
    }
    return step_;
  }

  Training training_;
  rw::batches_view source_;
  rw::batch_memory memory_;
  rw::buffer_pool buffers_;
  decltype(std::declval<const rw::sgd&>().start({})) optimizer_;
  std::int64_t step_ = -1, epoch_ = 0;
};

/// An implementation under comparison: how to time it, and its times so far.
struct contestant {
  std::string name;
  std::function<std::optional<double>()> step;
  std::function<std::optional<times>()> part_times;
  std::vector<double> whole{};
  std::array<std::vector<double>, parts.size()> by_part{};

  /// @return whether it returned its times
  bool take_turn()
  {
    // The threads of the side before still spin for some milliseconds, on our cores.
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    const auto taken = step();
    if (!taken) return false;
    const auto each = part_times();
    if (!each) return false;
    whole.push_back(*taken);
    for (std::size_t i = 0; i < parts.size(); ++i) by_part[i].push_back((*each)[i]);
    return true;
  }
};

template<typename Steps>
contestant ours(std::string name, Steps& steps)
{
  return {std::move(name), [&] { return steps.whole(); }, [&] { return steps.by_parts(); }};
}

contestant theirs(std::string name, bench::peer& python, const std::string& way)
{
  return {std::move(name), [&python, way] { return python.ask(way + " step"); },
          [&python, way]() -> std::optional<times> {
            times t{};
            for (std::size_t i = 0; i < parts.size(); ++i) {
              const auto part = python.ask(way + ' ' + parts[i]);
              if (!part) return std::nullopt;
              t[i] = *part;
            }
            return t;
          }};
}

/// Times all in rotating order; drops those that return no times.
void compete(std::vector<contestant>& all, int repetitions)
{
  std::erase_if(all, [](contestant& c) {
    const bool answers = c.take_turn() && c.take_turn();  // warm-up
    if (!answers) std::cerr << "left out, for want of an answer: " << c.name << '\n';
    c.whole.clear();
    for (auto& each : c.by_part) each.clear();
    return !answers;
  });
  for (int i = 0; i < repetitions; ++i)
    for (std::size_t k = 0; k < all.size(); ++k)
      (void)all[(static_cast<std::size_t>(i) + k) % all.size()].take_turn();
}

void print(const std::string& name, double goal, const std::vector<double>& of_ours,
           const std::vector<double>& of_theirs)
{
  bench::print({name, bench::median(of_ours), bench::median(of_theirs),
                *std::min_element(of_ours.begin(), of_ours.end()),
                *std::min_element(of_theirs.begin(), of_theirs.end()), "ms", goal});
}

/// Prints the median milliseconds of each part as a Markdown table.
void print_table(const std::vector<contestant>& all)
{
  std::string head = "| ms |", line = "|---|";
  for (const auto& c : all) {
    head += ' ' + c.name + " |";
    line += "---:|";
  }
  std::cerr << head << '\n' << line << '\n';
  const auto row = [&](const std::string& name, const auto& value) {
    std::string cells;
    for (const auto& c : all) {
      std::array<char, 32> text{};
      std::snprintf(text.data(), text.size(), " %.2f |", value(c));
      cells += text.data();
    }
    std::cerr << "| " << name << " |" << cells << '\n';
  };
  for (std::size_t i = 0; i < parts.size(); ++i)
    row(parts[i], [&](const contestant& c) { return bench::median(c.by_part[i]); });
  row("whole step", [](const contestant& c) { return bench::median(c.whole); });
}

constexpr auto with_exact = "ours", with_rounded = "ours, bf16 backward", usual = "PyTorch, usual",
               tuned = "PyTorch, tuned", compiled = "PyTorch, tuned, compiled",
               half = "PyTorch, tuned, bf16 student";

const contestant* find(const std::vector<contestant>& all, const std::string& name)
{
  const auto at = std::ranges::find(all, name, &contestant::name);
  return at == all.end() ? nullptr : &*at;
}

/// The faster tuned implementation with the student's forward pass in fp32; null without any.
const contestant* best_tuned(const std::vector<contestant>& all)
{
  const auto* const plain = find(all, tuned);
  const auto* const other = find(all, compiled);
  if (plain == nullptr || other == nullptr) return plain;
  return bench::median(other->whole) < bench::median(plain->whole) ? other : plain;
}

void report(const std::vector<contestant>& all)
{
  const auto line = [](const std::string& name, double goal, const contestant* mine,
                       const contestant* other) {
    if (other != nullptr) print(name, goal, mine->whole, other->whole);
  };
  const auto* const best = best_tuned(all);
  for (const auto* name : {with_exact, with_rounded}) {
    const auto* const mine = find(all, name);
    const std::string who = "role-wise step, " + mine->name;
    line(who + ", against the usual Python way", 2.8, mine, find(all, usual));
    line(who + ", against the best tuned Python way", name == with_exact ? 1.8 : 2.0, mine, best);
    for (std::size_t i = 0; best != nullptr && i < parts.size(); ++i)
      print(who + ", " + parts[i] + ", against the best tuned Python way", 0, mine->by_part[i],
            best->by_part[i]);
  }
  line("role-wise step, ours, bf16 backward, against the tuned Python way with a student in bf16",
       0, find(all, with_rounded), find(all, half));
  print_table(all);
}

/// Prints how often the arg max of our 8-bit teacher, and of the peer's, is that of full precision.
template<typename Full, typename EightBit>
void print_agreement(const Full& full, const EightBit& bytes, const rw::dataset& data,
                     bench::peer& python)
{
  std::vector<rw::batch> views;
  rw::batch_memory memory;
  const auto source = rw::batches(data, {.size = batch_size});
  for (std::int64_t i = 0; i < 16; ++i)
    views.push_back(
        shown(source.gather(i, memory), rw::training_progress{.epoch = 1}, rw::seed{3}));
  const double percent = 100 * rw::measurement::agreement(bytes, full, views);
  const auto of_peer = python.ask("tuned agreement");
  bench::print({"arg max of the teacher as in full precision, ours in 8 bits, against " +
                    std::string{of_peer ? "PyTorch's in bf16" : "itself"},
                percent, of_peer.value_or(100), percent, of_peer.value_or(100), "% of views", 0});
}

}  // namespace

int main(int argc, char** argv)
{
  const bool is_short = bench::is_short(argc, argv);
  at::set_num_threads(2);
  const auto& integers = rw::integer_forward_support();
  if (!integers.available) std::cerr << "no integer forward: " << integers.reason << '\n';

  torch::manual_seed(0);
  const auto data = pictures(20 * batch_size);
  const auto full = trained_teacher(data, is_short);
  const std::string task = ROLEWISE_SCRATCH "/role_wise_step.pt";
  write_task(task, full, data);
  bench::peer python{ROLEWISE_PEERS "/role_wise_step.py"};
  if (!python.ask("load " + task)) std::cerr << "no peer: PyTorch in Python is missing\n";

  std::vector<rw::batch> seen;  // the teacher's calibration data
  rw::batch_memory memory;
  const auto source = rw::batches(data, {.size = batch_size});
  for (std::int64_t i = 0; i < 4; ++i)
    seen.push_back(shown(source.gather(i, memory), rw::training_progress{}, rw::seed{2}));
  const auto bytes = rw::post_training_quantized(full, seen);
  print_agreement(rw::frozen(full), bytes, data, python);

  const auto training = [&](rw::pass_precision backward) {
    return rw::distillation{
        .teacher = bytes,
        .student = rw::resnet20(shape, rw::dorefa{}, rw::inner_bits<2>,
                                {.precision = {.backward = backward}}),
        .teacher_agent = shown,
        .student_agent = shown,
        .loss = 0.1 * rw::cross_entropy{} + 0.9 * rw::soft_target_kl{rw::temperature{4}},
        .optimizer = rw::sgd{.learning_rate = 0.01},
        .lr_schedule = rw::constant_lr{}};
  };
  steps exact{training(rw::pass_precision::full), data};
  steps rounded{training(rw::pass_precision::bfloat16), data};
  std::vector<contestant> all{ours(with_exact, exact), ours(with_rounded, rounded),
                              theirs(usual, python, "usual"), theirs(tuned, python, "tuned"),
                              theirs(half, python, "tuned-half")};
  if (!is_short) all.push_back(theirs(compiled, python, "tuned-compiled"));
  compete(all, is_short ? 7 : 15);

  report(all);
}
