// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: our tiled full-precision 3x3 convolutions against LibTorch's. Forward pass alone and
// forward plus backward, at the shapes of ResNets for small images, channels last on both sides.

#include "support/measure.hpp"

#include <rolewise/network/detail/convolution_of.hpp>
#include <rolewise/support/retain_heap.hpp>

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <cstdint>
#include <string>

namespace rw = rolewise;

namespace {

struct layer {
  std::int64_t images, channels, side;
};

void measure(const layer& of, int repetitions)
{
  const auto made = [](at::IntArrayRef sizes) {
    return torch::randn(sizes).contiguous(torch::MemoryFormat::ChannelsLast);
  };
  const auto gradient = made({of.images, of.channels, of.side, of.side});
  const auto x = made(gradient.sizes()).set_requires_grad(true);
  const auto w = made({of.channels, of.channels, 3, 3}).set_requires_grad(true);
  const auto ours = [&] { return rw::detail::convolution_of(x, w, {1, {1, 1}, {1, 1}}, {}); };
  const auto theirs = [&] { return at::conv2d(x, w, {}, 1, 1); };
  const auto there_and_back = [&](const auto& convolve) {
    (void)torch::autograd::grad({convolve()}, {x, w}, {gradient});
  };
  const auto what = c10::str(of.channels, " channels of ", of.side, 'x', of.side, ", batch ",
                             of.images, ", threads ", at::get_num_threads());
  bench::print(bench::compare(
      "3x3 convolution, forward, " + what, 1.2, repetitions,
      [&] {
        const torch::NoGradGuard without_graph;
        (void)ours();
      },
      [&] {
        const torch::NoGradGuard without_graph;
        (void)theirs();
      }));
  bench::print(bench::compare(
      "3x3 convolution, forward and backward, " + what, 1.2, repetitions,
      [&] { there_and_back(ours); }, [&] { there_and_back(theirs); }));
}

}  // namespace

int main(int argc, char** argv)
{
  const bool is_short = bench::is_short(argc, argv);
  (void)rw::retain_heap();
  for (const int threads : {1, 2}) {
    if (is_short && threads == 2) break;
    at::set_num_threads(threads);
    for (const auto& of :
         {layer{128, 16, 32}, layer{128, 32, 16}, layer{128, 64, 8}, layer{32, 16, 32},
          layer{32, 128, 16}, layer{32, 256, 8}, layer{128, 512, 4}, layer{8, 64, 56}})
      if (!is_short || of.channels < 128) measure(of, is_short ? 9 : 25);
  }
  return 0;
}
