// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: trials of one shape as one batched population. Convolutions are most of a trial's
// cost; batched, they are one grouped convolution with one group per trial. Forward and backward
// pass at the three shapes of a ResNet-8, one thread, plain LibTorch on both sides: the grouped
// convolution against the trials one after the other.

#include "support/measure.hpp"

#include <rolewise/core/tensor.hpp>

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace {

struct stage {
  std::int64_t channels, side;
};

torch::Tensor leaf(std::vector<std::int64_t> shape)
{
  return torch::randn(shape).contiguous(torch::MemoryFormat::ChannelsLast).set_requires_grad(true);
}

void pass(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& gradient,
          std::int64_t groups)
{
  const auto y = at::conv2d(x, weight, {}, 1, 1, 1, groups);
  (void)torch::autograd::grad({y}, {x, weight}, {gradient});
}

void measure(std::int64_t trials, std::int64_t batch, const stage& at, int repetitions)
{
  const auto made = [&](std::int64_t wide) {
    struct {
      torch::Tensor x, weight, gradient;
    } all{leaf({batch, wide, at.side, at.side}), leaf({wide, at.channels, 3, 3}),
          leaf({batch, wide, at.side, at.side}).detach()};
    return all;
  };
  const auto together = made(trials * at.channels);
  std::vector<decltype(made(1))> apart;
  for (std::int64_t i = 0; i < trials; ++i) apart.push_back(made(at.channels));
  bench::print(bench::compare(
      std::to_string(trials) + " trials as groups of one convolution, " +
          std::to_string(at.channels) + " channels of " + std::to_string(at.side) + "x" +
          std::to_string(at.side) + ", batch " + std::to_string(batch) +
          ", against one after the other",
      1.0, repetitions, [&] { pass(together.x, together.weight, together.gradient, trials); },
      [&] {
        for (const auto& one : apart) pass(one.x, one.weight, one.gradient, 1);
      }));
}

}  // namespace

int main(int argc, char** argv)
{
  const bool is_short = bench::is_short(argc, argv);
  at::set_num_threads(1);
  for (const std::int64_t trials : {4, 16})
    for (const std::int64_t batch : {32, 128})
      for (const stage& at : {stage{16, 32}, stage{32, 16}, stage{64, 8}})
        if (!is_short || (trials == 4 && batch == 32)) measure(trials, batch, at, is_short ? 3 : 9);
  return 0;
}
