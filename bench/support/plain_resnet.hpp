// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A residual network in plain LibTorch, channels last.

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bench {

namespace nn = torch::nn;

struct block : nn::Module {
  nn::Conv2d first{nullptr}, second{nullptr}, projection{nullptr};
  nn::BatchNorm2d first_norm{nullptr}, second_norm{nullptr}, projection_norm{nullptr};

  block(std::int64_t in, std::int64_t out, std::int64_t stride)
  {
    const auto three = [](std::int64_t a, std::int64_t b, std::int64_t s) {
      return nn::Conv2d(nn::Conv2dOptions(a, b, 3).stride(s).padding(1).bias(false));
    };
    first = register_module("first", three(in, out, stride));
    first_norm = register_module("first_norm", nn::BatchNorm2d(out));
    second = register_module("second", three(out, out, 1));
    second_norm = register_module("second_norm", nn::BatchNorm2d(out));
    if (stride == 1 && in == out) return;
    projection = register_module(
        "projection", nn::Conv2d(nn::Conv2dOptions(in, out, 1).stride(stride).bias(false)));
    projection_norm = register_module("projection_norm", nn::BatchNorm2d(out));
  }

  torch::Tensor forward(const torch::Tensor& x)
  {
    auto y = first_norm(first(x)).relu_();
    y = second_norm(second(y));
    return y.add_(projection ? projection_norm(projection(x)) : x).relu_();
  }
};

struct resnet : nn::Module {
  nn::Conv2d stem{nullptr};
  nn::BatchNorm2d norm{nullptr};
  std::vector<std::shared_ptr<block>> blocks;
  nn::Linear head{nullptr};

  resnet(int depth, std::int64_t channels, std::int64_t classes)
  {
    stem = register_module("stem",
                           nn::Conv2d(nn::Conv2dOptions(channels, 16, 3).padding(1).bias(false)));
    norm = register_module("norm", nn::BatchNorm2d(16));
    std::int64_t in = 16;
    for (int stage = 0; stage < 3; ++stage)
      for (int i = 0; i < (depth - 2) / 6; ++i) {
        const std::int64_t out = 16 << stage;
        blocks.push_back(
            register_module("block" + std::to_string(blocks.size()),
                            std::make_shared<block>(in, out, i == 0 && stage > 0 ? 2 : 1)));
        in = out;
      }
    head = register_module("head", nn::Linear(64, classes));
    for (auto& p : parameters())
      if (p.dim() == 4) p.set_data(p.data().contiguous(torch::MemoryFormat::ChannelsLast));
  }

  torch::Tensor pooled(torch::Tensor x)
  {
    x = norm(stem(x)).relu_();
    for (auto& b : blocks) x = b->forward(x);
    return x.mean({2, 3});
  }
  torch::Tensor forward(const torch::Tensor& x) { return head(pooled(x)); }
};

}  // namespace bench
