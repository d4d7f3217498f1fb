// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Times the training step of a published system against the same step in plain LibTorch.

#include "measure.hpp"
#include "plain_learner.hpp"

#include <rolewise/rolewise.hpp>

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

inline constexpr std::int64_t batch_size = 128;
inline constexpr rolewise::sample_shape shape{
    .channels = 3, .height = 32, .width = 32, .classes = 100};

inline rolewise::batch noise()
{
  return {.inputs = torch::randint(0, 256, {batch_size, 3, 32, 32}, torch::kByte),
          .labels = torch::randint(0, shape.classes, {batch_size}, torch::kLong),
          .ids = torch::arange(batch_size),
          .normalization = {.mean = {.5, .5, .5}, .std = {.25, .25, .25}}};
}

/// As many images of noise as wanted; example n is of class n modulo the number of classes.
inline rolewise::dataset noise_data(std::int64_t count)
{
  rolewise::dataset data;
  data.inputs = torch::randint(0, 256, {count, 3, 32, 32}, torch::kByte);
  data.labels = torch::arange(count).remainder(shape.classes);
  data.ids = torch::arange(count);
  data.shape = shape;
  data.normalization = noise().normalization;
  return data;
}

inline torch::Tensor plain_usual_loss(const torch::Tensor& answer, const torch::Tensor& logits,
                                      const torch::Tensor& labels)
{
  return 0.1 * torch::cross_entropy_loss(logits, labels) +
         0.9 * plain_divergence(answer, logits, 4);
}

/// How often `measure` runs each step.
inline int repetitions = 15;

/// Times a step of ours and `by_hand(images, labels)` in turn.
template<typename Step, typename ByHand>
void measure(const char* name, Step& step, ByHand&& by_hand,
             const rolewise::training_progress& progress = {})
{
  const auto examples = noise();
  print(compare(
      std::string{name} + ", against plain LibTorch", 1.0, repetitions,
      [&] { (void)step(examples, progress); },
      [&] { by_hand(plain_input(examples), examples.labels); }));
}

/// Logits in training mode, by which no running statistics move.
inline torch::Tensor rehearsed(resnet& network, const torch::Tensor& x)
{
  const auto set_momentum = [&](double momentum) {
    for (const auto& m : network.modules(false))
      if (auto* norm = m->as<torch::nn::BatchNorm2d>()) norm->options.momentum(momentum);
  };
  set_momentum(0.0);
  auto logits = network.forward(x);
  set_momentum(0.1);
  return logits;
}

/// Copies parameters and statistics of a network into another.
inline void copy_network(resnet& from, resnet& to)
{
  const torch::NoGradGuard no_graph;
  const auto copy = [](const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
    for (std::size_t i = 0; i < a.size(); ++i) b[i].copy_(a[i]);
  };
  copy(from.parameters(), to.parameters());
  copy(from.buffers(), to.buffers());
}

}  // namespace bench
