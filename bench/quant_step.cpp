// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: training speed of low-bit students. Forward and backward pass of a DoReFa and an LSQ
// ResNet-20 against the same network in full precision, the library's and plain LibTorch's: batch
// 128, 32x32x3, two threads, channels last on all sides. The forward pass is the same at both
// precisions of the backward pass: exact integer arithmetic.
//
// All sides retain freed memory: whether glibc returns it to the system depends on the state of the
// heap, and allocating it again takes up to a fifth of a step on either side.
//
// Also measured: the forward pass of an 8-bit teacher against that of the network it was quantized
// from and against plain LibTorch.

#include "support/measure.hpp"
#include "support/plain_resnet.hpp"

#include <rolewise/rolewise.hpp>

#include <torch/types.h>

#include <ATen/Parallel.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

namespace rw = rolewise;

namespace {

template<typename Network>
torch::Tensor loss_of(Network& n, const rw::batch& examples)
{
  return at::cross_entropy_loss(n.forward(examples).logits, examples.labels);
}

template<typename Network>
void forget_gradients(Network& n)
{
  for (auto& p : n.parameters()) p.value.mutable_grad() = torch::Tensor{};
}

/// Forward and backward pass of a training step, without the optimizer.
template<typename Network>
void pass(Network& n, const rw::batch& examples)
{
  loss_of(n, examples).backward();
  forget_gradients(n);
}

void pass(bench::resnet& n, const rw::batch& examples)
{
  at::cross_entropy_loss(n.forward(examples.inputs), examples.labels).backward();
  for (auto& p : n.parameters()) p.mutable_grad() = torch::Tensor{};
}

constexpr rw::pass_precision precisions[] = {rw::pass_precision::full,
                                             rw::pass_precision::bfloat16};

/// Compares a low-bit student, at both backward precisions, with a full-precision network.
template<typename Quantizer, typename Full>
void against(const std::string& what, const Quantizer& q, int bits, const rw::batch& examples,
             Full& full)
{
  const rw::sample_shape shape{.channels = 3, .height = 32, .width = 32, .classes = 100};
  const rw::bit_width width{bits};
  for (const auto backward : precisions) {
    auto student = rw::resnet20(shape, q, rw::full_precision_ends{width, width},
                                {.precision = {.backward = backward}});
    const bool rounds = backward == rw::pass_precision::bfloat16;
    bench::print(bench::compare(
        "step of a " + std::to_string(bits) + "-bit " + std::string{Quantizer::name} +
            " ResNet-20, " + (rounds ? "bf16" : "fp32") + " backward, against " + what,
        rounds ? 1.35 : 1.15, 15, [&] { pass(student, examples); }, [&] { pass(full, examples); }));
  }
}

/// Prints a table row: milliseconds of the forward and the backward pass.
template<typename Network>
void print_halves(const char* name, Network network, const rw::batch& examples)
{
  std::fprintf(stderr, "| %s |", name);
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    std::vector<double> forward, backward;
    for (int i = 0; i < 25; ++i) {
      torch::Tensor loss;
      forward.push_back(bench::milliseconds([&] { loss = loss_of(network, examples); }));
      backward.push_back(bench::milliseconds([&] { loss.backward(); }));
      forget_gradients(network);
    }
    std::fprintf(stderr, " %.0f | %.0f |", bench::median(forward), bench::median(backward));
  }
  std::fprintf(stderr, "\n");
}

template<typename Network>
void answer(const char* name, const Network& trained, bench::resnet& plain,
            const rw::batch& examples)
{
  const auto full = rw::frozen(trained);
  const auto bytes = rw::post_training_quantized(trained, {examples});
  const auto against = [&](const char* what, const auto& theirs) {
    bench::print(bench::compare(
        std::string{"8-bit "} + name + " answering, against " + what, 2.5, 15,
        [&] { (void)bytes.forward(examples); }, theirs));
  };
  against("full precision", [&] { (void)full.forward(examples); });
  plain.eval();
  against("plain LibTorch in full precision", [&] {
    const torch::NoGradGuard without_graph;
    (void)plain.forward(examples.inputs);
  });
}

}  // namespace

int main(int argc, char** argv)
{
  const bool is_short = bench::is_short(argc, argv);
  if (!rw::retain_heap()) std::cerr << "the allocator keeps what it likes\n";
  at::set_num_threads(2);
  torch::manual_seed(0);
  const rw::sample_shape shape{.channels = 3, .height = 32, .width = 32, .classes = 100};
  const auto examples =
      rw::normalized({.inputs = torch::randint(0, 256, {128, 3, 32, 32}, torch::kByte),
                      .labels = torch::randint(0, 100, {128}, torch::kLong),
                      .ids = torch::arange(128),
                      .normalization = {.mean = {.5, .5, .5}, .std = {.25, .25, .25}}});

  const auto& integers = rw::integer_forward_support();
  if (!integers.available) std::cerr << "no integer forward: " << integers.reason << '\n';

  auto full = rw::resnet20(shape);
  bench::resnet plain{20, shape.channels, shape.classes};
  for (const int bits : is_short ? std::vector{2} : std::vector{2, 4, 7})
    against("full precision", rw::dorefa{}, bits, examples, full);
  against("plain LibTorch in full precision", rw::dorefa{}, 2, examples, plain);
  if (!is_short) against("full precision", rw::lsq{}, 4, examples, full);
  answer("ResNet-20", full, plain, examples);
  if (is_short) return 0;
  bench::resnet deep{56, shape.channels, shape.classes};
  answer("ResNet-56", rw::resnet56(shape), deep, examples);

  std::fprintf(stderr,
               "| ms | one thread: forward | backward | two threads: forward | backward |\n"
               "|---|---:|---:|---:|---:|\n");
  const rw::full_precision_ends two_bits{rw::bit_width{2}, rw::bit_width{2}};
  const rw::network_options rounds{.precision = {.backward = rw::pass_precision::bfloat16}};
  print_halves("full precision", full, examples);
  print_halves("2-bit DoReFa", rw::resnet20(shape, rw::dorefa{}, two_bits), examples);
  print_halves("2-bit DoReFa, backward in bfloat16",
               rw::resnet20(shape, rw::dorefa{}, two_bits, rounds), examples);
}
