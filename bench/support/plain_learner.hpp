// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What trains a network in plain LibTorch: channels last, fused SGD with momentum.

#include "plain_resnet.hpp"

#include <rolewise/core/batch.hpp>
#include <rolewise/data/dataset.hpp>

#include <torch/torch.h>

#include <memory>
#include <vector>

namespace bench {

/// Images of bytes, normalized with mean and standard deviation 1/2 and 1/4.
inline torch::Tensor plain_input(const torch::Tensor& images)
{
  return images.to(torch::kFloat32, false, true, torch::MemoryFormat::ChannelsLast)
      .sub_(127.5)
      .mul_(1.0 / 63.75);
}
inline torch::Tensor plain_input(const rolewise::batch& examples)
{
  return plain_input(examples.inputs);
}

/// A residual network, and what updates it.
struct plain_learner {
  std::shared_ptr<resnet> network;
  std::vector<torch::Tensor> parameters, momentum;

  plain_learner(int depth, const rolewise::sample_shape& shape)
      : network{std::make_shared<resnet>(depth, shape.channels, shape.classes)},
        parameters{network->parameters()}
  {
    for (const auto& p : parameters) momentum.push_back(torch::zeros_like(p));
  }

  /// Its logits in evaluation mode, without a graph.
  [[nodiscard]] torch::Tensor answer(const torch::Tensor& x)
  {
    const torch::NoGradGuard no_graph;
    network->eval();
    return network->forward(x);
  }

  void minimize(const torch::Tensor& loss, double rate = 0.01)
  {
    loss.backward();
    std::vector<torch::Tensor> gradients;
    for (const auto& p : parameters) gradients.push_back(p.grad());
    const torch::NoGradGuard no_graph;
    at::_fused_sgd_(parameters, gradients, momentum, 5e-4, 0.9, rate, 0.0, true, false, false);
    for (auto& p : parameters) p.mutable_grad() = torch::Tensor{};
  }
};

/// T^2 KL(softmax(from / T), softmax(to / T)), the mean over examples.
inline torch::Tensor plain_divergence(const torch::Tensor& from, const torch::Tensor& to, double t)
{
  return torch::kl_div(torch::log_softmax(to / t, 1), torch::log_softmax(from / t, 1),
                       at::Reduction::Sum, true) *
         (t * t / static_cast<double>(to.size(0)));
}

}  // namespace bench
