// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: cost of views in a step. Distillation with a policy for each role and a crop that both
// share, against the same step on prepared views in memory, normalized, in the networks' memory
// format. Prefetching of views: whole runs with `prefetch` 2 against runs with 0, on a network that
// occupies all processors and on a tiny one, whose steps may wait for their views.

#include "../tests/support/counting_allocator.hpp"
#include "support/measure.hpp"

#include <rolewise/rolewise.hpp>

#include <torch/nn/cloneable.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string_view>
#include <utility>

namespace rw = rolewise;

namespace {

/// An agent that returns a prepared view.
struct from_memory {
  static constexpr std::string_view name = "from-memory";
  static constexpr bool has_state = false;

  rw::batch view;

  rw::batch operator()(const rw::batch&, const rw::training_progress&, rw::seed) const
  {
    return view;
  }
};

/// A repeatable training run of some steps, with or without prefetched views.
template<typename Training>
class runs {
 public:
  runs(Training training, const rw::dataset& data, std::int64_t prefetch)
      : training_{std::move(training)}, data_{data}, ahead_{prefetch}
  {}

  void operator()() { (void)rw::fit(training_, data_, {.batch_size = 128, .prefetch = ahead_}); }

 private:
  Training training_;
  const rw::dataset& data_;
  std::int64_t ahead_;
};

/// A data set of `count` random images.
rw::dataset noise(const rw::sample_shape& shape, std::int64_t count)
{
  rw::dataset data;
  data.shape = shape;
  data.inputs =
      torch::randint(0, 256, {count, shape.channels, shape.height, shape.width}, torch::kByte);
  data.labels = torch::randint(0, shape.classes, {count}, torch::kLong);
  data.ids = torch::arange(count);
  data.normalization = {.mean = {.5, .5, .5}, .std = {.25, .25, .25}};
  data.name = "noise";
  return data;
}

/// A linear layer over average-pooled patches: its cost is negligible beside that of the views.
struct patches : torch::nn::Cloneable<patches> {
  patches() { patches::reset(); }
  void reset() override { linear = register_module("linear", torch::nn::Linear{3 * 8 * 8, 100}); }
  torch::Tensor forward(const torch::Tensor& x)
  {
    return linear(torch::avg_pool2d(x, 4).flatten(1));
  }
  torch::nn::Linear linear{nullptr};
};

constexpr int batches_counted = 20;

/// Tensor allocations per call of `f`, after warm-up.
template<typename F>
double requests_of(F&& f)
{
  for (int i = 0; i < batches_counted; ++i) f();
  const rw::testing::counting_allocator memory{1};
  for (int i = 0; i < batches_counted; ++i) f();
  return static_cast<double>(memory.count()) / batches_counted;
}

}  // namespace

int main(int argc, char** argv)
{
  const bool is_short = bench::is_short(argc, argv);
  const rw::sample_shape shape{.channels = 3, .height = 32, .width = 32, .classes = 100};
  const rw::batch examples{.inputs = torch::randint(0, 256, {128, 3, 32, 32}, torch::kByte),
                           .labels = torch::randint(0, 100, {128}, torch::kLong),
                           .ids = torch::arange(128),
                           .normalization = {.mean = {.5, .5, .5}, .std = {.25, .25, .25}}};
  const auto training = [&](auto teachers, auto students, auto shared) {
    return rw::distillation{
        .teacher = rw::frozen(rw::resnet20(shape)),
        .student = rw::resnet20(shape, {.seed = rw::seed{1}}),
        .teacher_agent = teachers,
        .student_agent = students,
        .shared_agent = shared,
        .loss = 0.1 * rw::cross_entropy{} + 0.9 * rw::soft_target_kl{rw::temperature{4}},
    };
  };
  const rw::rand_augment policy{.operations = 2, .magnitude = 5};
  auto ours = training(policy, policy, rw::pad_crop_flip{});

  rw::buffer_pool buffers;
  const auto made = rw::make_views(examples, policy, policy, rw::pad_crop_flip{},
                                   rw::training_progress{}, rw::seed{0}, rw::view_form{}, buffers);
  auto prepared = training(from_memory{made.teacher}, from_memory{made.student}, rw::no_agent{});

  std::int64_t epoch = 0;
  bench::print(bench::compare(
      "distillation step, ResNet-20 -> ResNet-20, a policy for each role, against views in memory",
      1 / 1.03, 15,
      [&] { (void)ours(examples, rw::training_progress{.epoch = epoch++, .epochs = 1000}); },
      [&] { (void)prepared(examples, rw::training_progress{.epoch = epoch, .epochs = 1000}); }));

  const auto few = noise(shape, 6 * 128), many = noise(shape, 50 * 128);
  bench::print(bench::compare("runs of 6 steps, ResNet-20 -> ResNet-20, 2 batches ahead against 0",
                              0.97, is_short ? 5 : 15, runs{ours, few, 2}, runs{ours, few, 0}));
  const rw::module_student tiny{std::make_shared<patches>()};
  const rw::distillation quick{
      .teacher = rw::frozen(tiny),
      .student = tiny,
      .teacher_agent = policy,
      .student_agent = policy,
      .shared_agent = rw::pad_crop_flip{},
      .loss = 0.1 * rw::cross_entropy{} + 0.9 * rw::soft_target_kl{rw::temperature{4}}};
  bench::print(bench::compare("runs of 50 steps, one layer -> one layer, 2 batches ahead against 0",
                              0.97, 31, runs{quick, many, 2}, runs{quick, many, 0}));

  const auto asked = requests_of([&] {
    (void)rw::make_views(examples, policy, policy, rw::pad_crop_flip{},
                         rw::training_progress{.epoch = epoch++}, rw::seed{0}, rw::view_form{},
                         buffers);
  });
  const auto asked_by_parts = requests_of([&] {
    const auto views = rw::make_views(examples, policy, policy, rw::pad_crop_flip{},
                                      rw::training_progress{.epoch = epoch++}, rw::seed{0});
    (void)rw::normalized(views.teacher);
    (void)rw::normalized(views.student);
  });
  // Zero allocations count as one in all counted batches, so that the ratio is finite.
  const nlohmann::ordered_json memory{
      {"name", "memory asked for by tensors, views of both roles, against agents and conversion"},
      {"ours", asked},
      {"baseline", asked_by_parts},
      {"unit", "requests a batch"},
      {"ratio", asked_by_parts / std::max(asked, 1.0 / batches_counted)},
      {"goal", 100}};
  std::printf("%s\n", memory.dump().c_str());
}
