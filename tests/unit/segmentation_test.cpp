// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Segmentation: label maps that move with their images, weights of pixels, an auxiliary head.
#include "support/doctest.hpp"

#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/horizontal_flip.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/on_tap.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/student/module_student.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/adam.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/mean_iou.hpp>
#include <rolewise/train/supervised.hpp>

#include <torch/nn/cloneable.h>
#include <torch/nn/modules/conv.h>

#include <cstdint>
#include <memory>

using namespace rolewise;

namespace {

constexpr sample_shape shape{.channels = 3, .height = 16, .width = 16, .classes = 3};

// [network]
/// A fully convolutional network with an auxiliary head on its first features.
struct tiny_segmenter : torch::nn::Cloneable<tiny_segmenter> {
  static constexpr taps offered_taps{tap::auxiliary<0>};

  explicit tiny_segmenter(std::int64_t width) : width_{width} { reset(); }
  void reset() override
  {
    const auto layer = [](std::int64_t in, std::int64_t out, std::int64_t kernel) {
      return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).padding(kernel / 2));
    };
    first_ = register_module("first", layer(3, width_, 3));
    second_ = register_module("second", layer(width_, width_, 3));
    head_ = register_module("head", layer(width_, shape.classes, 1));
    auxiliary_ = register_module("auxiliary", layer(width_, shape.classes, 1));
  }
  outputs forward_outputs(const torch::Tensor& images, taps wanted)
  {
    const auto x = first_(images).relu();
    outputs said{.logits = head_(second_(x).relu()), .features = {}};
    if (wanted.contains(tap::auxiliary<0>)) said.features.set(tap::auxiliary<0>, auxiliary_(x));
    return said;
  }

 private:
  std::int64_t width_;
  torch::nn::Conv2d first_{nullptr}, second_{nullptr}, head_{nullptr}, auxiliary_{nullptr};
};
// [/network]

module_student<tiny_segmenter> segmenter(std::int64_t width, std::uint64_t key)
{
  torch::manual_seed(key);  // LibTorch draws the module's weights
  return module_student{std::make_shared<tiny_segmenter>(width), shape};
}

/// A red and a green rectangle on black: classes 1 and 2 on 0. Pixels at their borders weigh twice.
dataset rectangles(std::int64_t count, seed key)
{
  dataset data;
  data.shape = shape;
  data.name = "rectangles";
  data.inputs = torch::zeros({count, 3, 16, 16}, torch::kByte);
  data.labels = torch::zeros({count, 16, 16}, torch::kLong);
  data.weights = torch::ones({count, 16, 16});
  data.ids = torch::arange(count);
  for (std::int64_t n = 0; n < count; ++n)
    for (std::int64_t kind = 1; kind <= 2; ++kind) {
      const draws of{key.split(static_cast<std::uint64_t>(kind)), 0, n};
      const auto top = of.below(0, 10), left = of.below(1, 10);
      const auto rows = 4 + of.below(2, 3), columns = 4 + of.below(3, 3);
      const auto cut = [&](torch::Tensor map) {
        return map.narrow(-2, top, std::min(rows, 16 - top))
            .narrow(-1, left, std::min(columns, 16 - left));
      };
      cut(data.inputs[n]).fill_(0);
      cut(data.inputs[n][kind - 1]).fill_(200);
      cut(data.labels[n]).fill_(kind);
      data.weights[n].narrow(0, top, 1).fill_(2.0);
    }
  return data;
}

/// The classes that the colors of the pixels say, as the labels should be.
torch::Tensor classes_of_colors(const torch::Tensor& images)
{
  return images.select(1, 0).gt(100).to(torch::kLong) +
         2 * images.select(1, 1).gt(100).to(torch::kLong);
}

}  // namespace

TEST_CASE("label maps and weights move with their images by crop, flip and affine operations")
{
  const auto data = rectangles(32, seed{1});
  auto examples = data.examples();
  examples.weights = examples.labels.to(torch::kFloat) + 1;  // to be recognized where they go
  const auto follows = [&](const auto& agent) {
    const auto view = agent(examples, training_progress{.epoch = 1}, seed{2});
    CHECK_FALSE(torch::equal(view.labels, examples.labels));
    const auto counted = view.labels.ne(view.ignore_index);
    CHECK(counted.to(torch::kFloat).mean().template item<float>() > 0.5F);
    const auto said = classes_of_colors(view.inputs);
    CHECK(view.labels.eq(said).logical_or(~counted).all().template item<bool>());
    CHECK(torch::equal(
        view.weights,
        torch::where(counted, view.labels + 1, torch::zeros_like(view.labels)).to(torch::kFloat)));
  };
  follows(pad_crop_flip{});
  follows(horizontal_flip{.probability = 1.0});
}

TEST_CASE("a segmenter teaches a smaller one; mean IoU tells")
{
  const auto data = rectangles(64, seed{1}), validation = rectangles(32, seed{2});
  // [segmentation]
  const auto agent = compose{rand_augment{.operations = 1, .magnitude = 3}, pad_crop_flip{}};
  const auto task = cross_entropy{} + 0.4 * on_tap<tap::auxiliary<0>>(cross_entropy{});
  supervised pretraining{.student = segmenter(16, 1),
                         .agent = agent,
                         .loss = task,
                         .optimizer = adam{.learning_rate = 0.005},
                         .metric = mean_iou{}};
  fit_options options{.epochs = 12, .batch_size = 8, .validation = &validation};
  options.validation_metric = mean_iou{};
  const auto first = fit(pretraining, data, options);

  distillation training{.teacher = frozen(pretraining.student),
                        .student = segmenter(12, 2),
                        .student_agent = agent,
                        .loss = task + 1.0 * soft_target_kl{temperature{2}},
                        .optimizer = adam{.learning_rate = 0.005},
                        .metric = mean_iou{}};
  const auto second = fit(training, data, options);
  // [/segmentation]
  for (const auto* history : {&first, &second}) {
    CHECK(history->epochs.back().numbers.back().name == "mean-iou");
    CHECK(history->epochs.back().numbers.back().value >
          history->epochs.front().numbers.back().value);
    CHECK(history->epochs.back().numbers.back().value > 0.5);
  }
}
