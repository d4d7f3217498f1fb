// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/binary_connect.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/dorefa_gradients.hpp>
#include <rolewise/quant/with_gradients.hpp>
#include <rolewise/train/snapshot.hpp>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace rw = rolewise;
using rw::bit_width;

namespace {

const rw::layer_id inside{"stage1.0.convolution1", rw::layer_kind::convolution, 1, 3};

torch::Tensor doubles(const std::vector<double>& values)
{
  return torch::tensor(values, torch::kFloat64);
}
torch::Tensor example() { return doubles({.3, -.6, .1}).unsqueeze(0); }

bool near(const torch::Tensor& a, const torch::Tensor& b, double tolerance = 5e-7)
{
  return torch::allclose(a.detach().to(torch::kFloat64).flatten(),
                         b.detach().to(torch::kFloat64).flatten(), 0.0, tolerance);
}

/// The gradient that reaches x if the output's gradient is g.
template<typename State>
torch::Tensor returned(State& state, const torch::Tensor& g)
{
  const auto x = torch::zeros_like(g).set_requires_grad(true);
  const auto y = state(x * 2);
  CHECK(torch::equal(y.detach(), x.detach() * 2));
  y.backward(g);
  return x.grad() / 2;
}

const rw::sample_shape small{.channels = 1, .height = 12, .width = 10, .classes = 5};

rw::batch images(std::int64_t count)
{
  return {torch::randn({count, 1, 12, 10}),
          torch::zeros(count, torch::kLong),
          torch::arange(count),
          {}};
}

/// A quantizer with `W` for weights and DoReFa for activations, for binary weights and
/// full-precision activations.
template<typename W>
struct weights_by {
  static constexpr std::string_view name = W::name;
  W weights;
  auto start_weights(const rw::layer_id& place) const { return weights.start_weights(place); }
  auto start_activations(const rw::layer_id& place) const
  {
    return rw::dorefa{}.start_activations(place);
  }
};

const rw::full_precision_ends one_bit_weights{bit_width{1}, bit_width{32}};

}  // namespace

static_assert(rw::GradientQuantizer<rw::dorefa_gradients>);
static_assert(!rw::GradientQuantizer<rw::dorefa>);
static_assert(rw::Quantizer<rw::with_gradients<rw::dorefa, rw::dorefa_gradients>>);
static_assert(rw::GradientQuantizer<rw::with_gradients<rw::dorefa, rw::dorefa_gradients>>);
static_assert(rw::rectifies<rw::with_gradients<rw::dorefa, rw::dorefa_gradients>>());

TEST_CASE("gradients of few bits have the values of the reference")
{
  const auto with = [](int bits, const torch::Tensor& noise = {}) {
    return rw::quantized_gradient(example(), bit_width{bits}, noise);
  };
  CHECK(near(with(2, doubles({.3, -.4, -.3}).unsqueeze(0)), doubles({.6, -.6, -.2})));
  CHECK(near(with(2), doubles({.2, -.6, .2})));
  CHECK(near(with(6), doubles({.295238, -.6, .104762})));
  CHECK(torch::equal(with(32), example()));
  // Averaged over an even grid of noise, the quantized gradient is unbiased.
  auto sum = torch::zeros_like(example());
  constexpr int grid = 2000;
  for (int i = 0; i < grid; ++i) sum += with(2, torch::full_like(example(), (i + .5) / grid - .5));
  CHECK(near(sum / grid, example(), 1e-3));
}

TEST_CASE("each example's gradient has its own levels")
{
  torch::manual_seed(0);
  const auto d = torch::randn({3, 4, 5, 5});
  const auto noise = torch::rand_like(d) - .5;
  for (const int bits : {1, 2, 4, 8}) {
    const auto all = rw::quantized_gradient(d, bit_width{bits}, noise);
    CHECK(all.sizes() == d.sizes());
    for (std::int64_t n = 0; n < 3; ++n) {
      const auto alone =
          rw::quantized_gradient(d.slice(0, n, n + 1), bit_width{bits}, noise.slice(0, n, n + 1));
      CHECK(torch::equal(all[n], alone[0]));
      const auto steps = std::exp2(bits) - 1;
      const auto largest = d[n].abs().max();
      const auto code = (all[n] / (2 * largest) + .5) * steps;
      CHECK(near(code, code.round(), 1e-3));
      CHECK((all[n].abs() <= largest * 1.00001).all().item<bool>());
    }
  }
  auto odd = d.clone();
  odd[0].zero_();
  odd[1][0][0][0] = std::numeric_limits<float>::quiet_NaN();
  const auto result = rw::quantized_gradient(odd, bit_width{2}, noise);
  CHECK(result[0].count_nonzero().item<std::int64_t>() == 0);
  CHECK(result[1].isnan().all().item<bool>());
  CHECK(result[2].isfinite().all().item<bool>());
  CHECK(rw::quantized_gradient(torch::empty({0, 3}), bit_width{2}).numel() == 0);
  const auto low = d.to(torch::kBFloat16);
  CHECK((rw::quantized_gradient(low, bit_width{2}).scalar_type() == torch::kBFloat16));
}

TEST_CASE("the state passes numbers on and quantizes what comes back, anew at each step")
{
  const auto still = rw::dorefa_gradients{.bits = bit_width{2}, .noise = false};
  auto without = still.start_gradients(inside);
  CHECK(near(returned(without, example()), doubles({.2, -.6, .2})));

  const rw::dorefa_gradients how{.bits = bit_width{2}, .seed = rw::seed{5}};
  auto state = how.start_gradients(inside), again = how.start_gradients(inside);
  torch::manual_seed(1);
  const auto d = torch::randn({2, 100});
  const auto first = returned(state, d);
  CHECK(torch::equal(returned(again, d), first));
  const auto second = returned(state, d);
  CHECK_FALSE(torch::equal(second, first));
  auto resumed = how.start_gradients(inside);
  rw::restore(resumed, rw::snapshot_of(again));
  CHECK(torch::equal(returned(resumed, d), second));

  auto sum = torch::zeros_like(d);
  constexpr int steps = 2000;
  for (int i = 0; i < steps; ++i) sum += returned(state, d);
  // Without elements near the largest: there noise is clipped on one side.
  const auto within = d.abs() < .6 * d.abs().amax(1, true);
  CHECK(near((sum / steps).masked_select(within), d.masked_select(within), .12));

  rw::layer_id other = inside;
  other.name = "stage1.0.convolution2";
  auto elsewhere = how.start_gradients(other);
  CHECK_FALSE(torch::equal(returned(elsewhere, d), first));
}

TEST_CASE("gradients at both ends of a network, and of 32 bits, stay")
{
  const auto stays = [](const rw::dorefa_gradients& how, const rw::layer_id& place) {
    auto state = how.start_gradients(place);
    return torch::equal(returned(state, example()), example());
  };
  const rw::dorefa_gradients how{.bits = bit_width{2}};
  CHECK(stays(how, {"stem", rw::layer_kind::convolution, 0, 3}));
  CHECK(stays(how, {"classifier", rw::layer_kind::linear, 2, 3}));
  CHECK_FALSE(stays(how, inside));
  CHECK(stays({.bits = bit_width{32}}, inside));
}

TEST_CASE("a convolution quantizes the gradient of what it gives, in training alone")
{
  using quantizer = rw::with_gradients<rw::dorefa, rw::dorefa_gradients>;
  torch::manual_seed(2);
  const quantizer q{{}, {.bits = bit_width{3}, .seed = rw::seed{9}}};
  const rw::planned_layer plan{inside, {bit_width{2}, bit_width{2}}};
  rw::convolution<quantizer> layer{q, plan, {.in = 3, .out = 4}, {}};
  rw::convolution<rw::dorefa> plain{{}, plan, {.in = 3, .out = 4}, {}};
  const auto weight_of = [](auto& part) {
    torch::Tensor weight;
    rw::for_each_tensor(part, [&](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
      if (name == "weight") weight = t;
    });
    return weight;
  };
  const auto in = rw::dorefa{}.start_activations(inside)(torch::rand({2, 3, 6, 6}), bit_width{2});
  const auto g = torch::randn({2, 4, 6, 6});

  const auto y = layer(in, rw::phase::training), z = plain(in, rw::phase::training);
  CHECK(torch::equal(y, z));
  y.backward(g);
  auto state = q.start_gradients(inside);
  z.backward(returned(state, g));
  CHECK(torch::equal(weight_of(layer).grad(), weight_of(plain).grad()));

  weight_of(layer).mutable_grad().zero_();
  weight_of(plain).mutable_grad().zero_();
  layer(in, rw::phase::evaluation).backward(g);
  plain(in, rw::phase::evaluation).backward(g);
  CHECK(torch::equal(weight_of(layer).grad(), weight_of(plain).grad()));
}

TEST_CASE("a network with quantized gradients trains, and goes on after a restart")
{
  using quantizer = rw::with_gradients<rw::dorefa, rw::dorefa_gradients>;
  torch::manual_seed(3);
  auto network = rw::resnet8(small, quantizer{{}, {.bits = bit_width{4}}}, rw::inner_bits<2>);
  const auto examples = images(4);
  const auto gradients = [&](auto& of) {
    for (const auto& p : of.parameters()) p.value.mutable_grad() = torch::Tensor{};
    of.forward(examples).logits.square().sum().backward();
    std::map<std::string, torch::Tensor> found;
    for (const auto& p : of.parameters()) found[p.name] = p.value.grad().clone();
    return found;
  };
  const auto inner = "stage2.0.convolution1.weight", last = "classifier.weight";
  const auto first = gradients(network);
  for (const auto& [name, gradient] : first) {
    CAPTURE(name);
    CHECK(gradient.isfinite().all().item<bool>());
  }
  auto copy = network;
  const auto second = gradients(network);
  CHECK_FALSE(torch::equal(second.at(inner), first.at(inner)));  // other noise
  CHECK(torch::equal(second.at(last), first.at(last)));
  auto resumed = rw::resnet8(small, quantizer{{}, {.bits = bit_width{4}}}, rw::inner_bits<2>);
  rw::restore(resumed, rw::snapshot_of(copy));
  CHECK(torch::equal(gradients(resumed).at(inner), second.at(inner)));
}

TEST_CASE("networks constrain stored weights in training and choose by rule in evaluation")
{
  using quantizer = weights_by<rw::binary_connect>;
  torch::manual_seed(4);
  const quantizer q{{.choice = rw::binary_choice::stochastic, .seed = rw::seed{2}}};
  auto network = rw::resnet8(small, q, one_bit_weights);
  const auto largest = [&] {
    double found = 0;
    for (const auto& p : network.parameters())
      if (p.name == "stage1.0.convolution1.weight") found = p.value.abs().max().item<double>();
    return found;
  };
  {
    const torch::NoGradGuard no_graph;
    for (const auto& p : network.parameters())
      if (p.name == "stage1.0.convolution1.weight") p.value.mul_(100);
  }
  const auto examples = images(4);
  CHECK(largest() > 1);
  const torch::NoGradGuard no_graph;
  CHECK(torch::equal(network.predict(examples).logits, network.predict(examples).logits));
  CHECK(largest() > 1);
  const auto once = network.forward(examples).logits, twice = network.forward(examples).logits;
  CHECK(largest() <= 1);
  CHECK_FALSE(torch::equal(once, twice));
}

TEST_CASE("two forward passes with constrained weights go back in one")
{
  torch::manual_seed(5);
  auto network = rw::resnet8(small, weights_by<rw::binary_connect>{}, one_bit_weights);
  const auto a = network.forward(images(4)).logits, b = network.forward(images(4)).logits;
  (a.square().sum() + b.square().sum()).backward();
  for (const auto& p : network.parameters()) CHECK(p.value.grad().isfinite().all().item<bool>());
}
