// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Distillation of features between networks of different widths, one of them a user's own module.
#include "support/doctest.hpp"

#include "laws/distillation_loss.hpp"
#include "support/resumed_run.hpp"

#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/loss/attention_transfer.hpp>
#include <rolewise/loss/clipped_to_task.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/fitnet.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/student/module_student.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/run_search.hpp>

#include <torch/nn/cloneable.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

// [loss]
namespace mine {

namespace rw = rolewise;

/// Mean squared distance of the penultimate vectors, after a learned projection of the student's.
struct projected_features {
  static constexpr std::string_view name = "projected-features";
  static constexpr rw::taps teacher_taps{rw::tap::penultimate};  // what it reads of each
  static constexpr rw::taps student_taps{rw::tap::penultimate};
  static constexpr bool minimum_at_teacher = false;  // the projection lies between
  static constexpr rw::invariances invariances{      // it reads no logits, and takes a mean
                                               .student_shift = true,
                                               .teacher_shift = true,
                                               .example_order = true};

  rw::seed seed{0};               // of the first projection
  rw::owned_tensor projection{};  // [D of the teacher, D of the student]; a copy is deep

  // Makes what depends on the shapes, once; with a projection there already, nothing.
  void configure(const rw::feature_shapes& teacher, const rw::feature_shapes& student)
  {
    if (projection->defined()) return;
    const auto out = teacher[rw::tap::penultimate][0], in = student[rw::tap::penultimate][0];
    projection =
        rw::owned_tensor{rw::uniform_tensor({out, in}, seed.split(rw::purpose{"projection"}),
                                            1.0 / std::sqrt(static_cast<double>(in)))
                             .set_requires_grad(true)};
  }

  torch::Tensor operator()(const rw::paired_outputs& pair) const
  {
    const auto student = pair.student.features[rw::tap::penultimate].matmul(projection->t());
    return (student - pair.teacher.features[rw::tap::penultimate].detach()).square().mean();
  }

  // What is shown as a parameter is trained with the student and stored in checkpoints.
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("projection", *projection);
  }
};
static_assert(rw::DistillationLoss<projected_features>);

}  // namespace mine
// [/loss]

using namespace rolewise;

namespace {

constexpr sample_shape shape{.channels = 3, .height = 8, .width = 8, .classes = 4};

// [module]
/// A user's own network that offers two stages: 12 channels, then 24 at half the resolution.
struct own_network : torch::nn::Cloneable<own_network> {
  static constexpr taps offered_taps{tap::stage<1>, tap::stage<2>, tap::penultimate};

  own_network() { reset(); }
  void reset() override
  {
    first =
        register_module("first", torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 12, 3).padding(1)));
    norm = register_module("norm", torch::nn::BatchNorm2d(12));
    second = register_module(
        "second", torch::nn::Conv2d(torch::nn::Conv2dOptions(12, 24, 3).padding(1).stride(2)));
    classifier = register_module("classifier", torch::nn::Linear(24, 4));
  }
  outputs forward_outputs(const torch::Tensor& images, taps wanted)
  {
    const auto one = norm(first(images)).relu();
    const auto two = second(one).relu();
    const auto pooled = two.mean(torch::IntArrayRef{2, 3});
    outputs said{.logits = classifier(pooled), .features = {}};
    if (wanted.contains(tap::stage<1>)) said.features.set(tap::stage<1>, one);
    if (wanted.contains(tap::stage<2>)) said.features.set(tap::stage<2>, two);
    if (wanted.contains(tap::penultimate)) said.features.set(tap::penultimate, pooled);
    return said;
  }

  torch::nn::Conv2d first{nullptr}, second{nullptr};
  torch::nn::BatchNorm2d norm{nullptr};
  torch::nn::Linear classifier{nullptr};
};
// [/module]

module_student<own_network> own(std::uint64_t key)
{
  torch::manual_seed(key);  // LibTorch draws the module's weights
  return module_student{std::make_shared<own_network>(), shape};
}

dataset noise_images(std::int64_t count)
{
  dataset data;
  data.shape = shape;
  data.name = "noise";
  data.inputs = (uniform_tensor({count, 3, 8, 8}, seed{1}, 127.0) + 128.0).to(torch::kByte);
  data.labels = torch::arange(count).remainder(4);
  data.ids = torch::arange(count);
  return data;
}

// [step]
/// Attention maps of both stages, and the teacher's second stage as a hint for the student's.
auto feature_distillation(const auto& teacher, const auto& student, seed key = {})
{
  return distillation{.teacher = teacher,
                      .student = student,
                      .loss = 1.0 * cross_entropy{} +
                              1000.0 * attention_transfer<tap::stage<1>, tap::stage<2>>{} +
                              100.0 * fitnet<tap::stage<2>>{.seed = key}};
}
// [/step]

std::vector<std::string> names_of(auto& step)
{
  std::vector<std::string> names;
  for_each_tensor(step, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
    if (t.defined()) names.push_back(name);
  });
  return names;
}

bool has(const std::vector<std::string>& names, const std::string& name)
{
  return std::find(names.begin(), names.end(), name) != names.end();
}

const fitnet<tap::stage<2>>& regressor_of(const auto& step)
{
  return std::get<2>(step.loss.terms()).loss;
}

}  // namespace

TEST_CASE("features are distilled into a user's own module and out of it, and adapters learn")
{
  const auto data = noise_images(16);
  const auto run = [&](auto step, at::IntArrayRef weight) {
    CHECK_FALSE(regressor_of(step).weight->defined());
    const auto names = names_of(step);  // configures, before any step
    CHECK(has(names, "loss.term2.weight"));
    CHECK(has(names, "progress.optimizer.momentum.loss.term2.weight"));
    CHECK(regressor_of(step).weight->sizes() == weight);
    const auto before = regressor_of(step).weight->detach().clone();
    const auto history = fit(step, data, {.epochs = 2, .batch_size = 8});
    CHECK_FALSE(torch::equal(*regressor_of(step).weight, before));
    CHECK(names_of(step) == names);
    CHECK(history.epochs.back().numbers.size() == 5);  // loss, three terms, accuracy
  };
  run(feature_distillation(frozen(resnet8(shape)), own(1)), {32, 24, 1, 1});
  run(feature_distillation(frozen(own(2)), resnet8(shape)), {24, 32, 1, 1});
}

TEST_CASE("a user's own loss with a projection keeps the laws and trains with the student")
{
  // [law]
  laws::hold_for(mine::projected_features{});
  // [/law]
  const auto pretrained = own(2);
  const auto data = noise_images(16);
  // [use]
  distillation training{.teacher = frozen(pretrained),
                        .student = resnet8(data.shape),
                        .loss = cross_entropy{} + weight{0.5} * mine::projected_features{}};
  fit(training, data, {.epochs = 1, .batch_size = 8});
  // [/use]
  const auto& projection = *std::get<1>(training.loss.terms()).loss.projection;
  CHECK(projection.sizes() == at::IntArrayRef{24, 64});
  CHECK_FALSE(torch::equal(
      projection, uniform_tensor({24, 64}, seed{0}.split(purpose{"projection"}), 1.0 / 8)));
}

TEST_CASE("a step with adapters goes on from a checkpoint with the same bits, for any threads")
{
  const auto data = noise_images(16);
  const int threads = at::get_num_threads();
  for (const int count : {1, 2}) {
    at::set_num_threads(count);
    testing::goes_on_with_the_same_bits(
        [] { return feature_distillation(frozen(own(2)), resnet8(shape)); }, data,
        {.epochs = 4, .batch_size = 8});
  }
  at::set_num_threads(threads);
}

TEST_CASE("copies of a step have adapters of their own, and each trial of a search trains its own")
{
  const auto data = noise_images(16);
  auto step = feature_distillation(frozen(own(2)), resnet8(shape));
  (void)names_of(step);
  auto copy = step;
  (void)fit(step, data, {.epochs = 1, .batch_size = 8});
  CHECK_FALSE(torch::equal(*regressor_of(step).weight, *regressor_of(copy).weight));

  const auto teacher = frozen(own(2));
  const auto found = run_search(
      search::random_search{},
      search::search_space{
          {"rate", search::real_interval{1e-3, 1e-2, search::spacing::logarithmic}}},
      [&](const search::configuration& at, std::int64_t, seed key) {
        auto trial = feature_distillation(teacher, resnet8(shape), key);
        trial.optimizer.learning_rate = at.real("rate");
        return trial;
      },
      [&](const auto& trained) { return accuracy(trained.evaluated(), data); }, data,
      {.trials = 2, .epochs = 1, .batch_size = 8, .seed = seed{3}});
  const auto& one = *regressor_of(*found.steps[0]).weight;
  const auto& two = *regressor_of(*found.steps[1]).weight;
  CHECK(one.const_data_ptr() != two.const_data_ptr());
  CHECK_FALSE(torch::equal(one, two));
}

namespace {

/// A memory of the last teacher's features, for the loss of the next step.
struct remembered {
  static constexpr std::string_view name = "remembered";
  static constexpr taps teacher_taps{tap::stage<2>};
  owned_tensor memory{torch::zeros({1})};
  std::int64_t steps = 0;

  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair) const
  {
    return (pair.student.logits.mean() - *memory).square().sum();
  }
  void after_step(const paired_outputs& pair, const targets& targets)
  {
    CHECK_FALSE(pair.student.logits.requires_grad());
    CHECK(targets.ids.defined());
    CHECK_FALSE(torch::GradMode::is_enabled());
    memory->fill_(pair.teacher.features[tap::stage<2>].mean());
    ++steps;
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.buffer("memory", *memory);
    archive.value("steps", steps);
  }
};

}  // namespace

TEST_CASE("a memory of a loss moves on once after each step, alone, in a sum and in a combination")
{
  const auto data = noise_images(16);
  const auto run = [&](const auto& loss, const auto& memory_of) {
    distillation step{.teacher = frozen(own(2)), .student = resnet8(shape), .loss = loss};
    (void)fit(step, data, {.epochs = 2, .batch_size = 8});
    CHECK(memory_of(step.loss).steps == 4);
    CHECK(memory_of(step.loss).memory->template item<float>() != 0.0f);
  };
  run(remembered{}, [](const auto& loss) -> const remembered& { return loss; });
  run(cross_entropy{} + weight{0.5} * remembered{},
      [](const auto& loss) -> const remembered& { return std::get<1>(loss.terms()).loss; });
  run(clipped_to_task{.task = cross_entropy{}, .distillation = remembered{}},
      [](const auto& loss) -> const remembered& { return loss.distillation; });
}
