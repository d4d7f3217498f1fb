// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/network_body.hpp"
#include "laws/student.hpp"
#include "support/reference_layers.hpp"
#include "support/sanitized.hpp"

#include <rolewise/network/copy_weights.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/per_layer.hpp>

#include <torch/nn/modules/conv.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;
using rw::bit_width;
using rw::phase;

namespace {

const rw::sample_shape cifar100{.classes = 100};
const rw::sample_shape small{.channels = 1, .height = 12, .width = 10, .classes = 5};

using rw::tests::images;
using rw::tests::shapes;
using rw::tests::tensors_of;

template<typename Network>
std::int64_t normalization_parameters(const Network& n)
{
  std::int64_t count = 0;
  for (const auto& p : n.parameters())
    if (p.name.find("batch_norm") != std::string::npos) count += p.value.numel();
  return count;
}

/// The offered taps without those before an activation.
template<typename Network>
consteval rw::taps after_activation()
{
  rw::taps all;
  rw::offered_taps<Network>().for_each([&](rw::tap_id id) {
    if (id.kind != rw::tap_kind::before_activation) all.insert(id);
  });
  return all;
}

template<typename Network>
shapes feature_shapes(const Network& n, const rw::batch& examples)
{
  const torch::NoGradGuard without_graph;
  shapes all;
  for (const auto& [id, f] : n.predict(examples, after_activation<Network>()).features)
    all.push_back(f.sizes().vec());
  return all;
}

/// A reference residual network with one block per stage, written without the library's
/// layers.
struct by_hand : rw::tests::reference_layers {
  torch::Tensor norm(const torch::Tensor& x, const std::string& name) const
  {
    const auto per_channel = [&](const torch::Tensor& v) { return v.view({1, -1, 1, 1}); };
    const auto mean = training ? x.mean({0, 2, 3}) : t.at(name + ".running_mean");
    const auto variance =
        training ? x.var({0, 2, 3}, /*unbiased=*/false) : t.at(name + ".running_variance");
    return (x - per_channel(mean)) / (per_channel(variance) + 1e-5).sqrt() *
               per_channel(t.at(name + ".weight")) +
           per_channel(t.at(name + ".bias"));
  }
  torch::Tensor resnet8(torch::Tensor x) const
  {
    x = norm(torch::conv2d(x, weight("stem", true), {}, 1, 1), "stem_batch_norm").relu();
    for (int s = 1; s <= 3; ++s) {
      const auto b = "stage" + std::to_string(s) + ".0.";
      const int stride = s == 1 ? 1 : 2;
      const auto in = quantize(x);
      auto y =
          norm(torch::conv2d(in, weight(b + "convolution1"), {}, stride, 1), b + "batch_norm1");
      y = norm(torch::conv2d(quantize(y.relu()), weight(b + "convolution2"), {}, 1, 1),
               b + "batch_norm2");
      const auto aside = s == 1 ? in
                                : norm(torch::conv2d(in, weight(b + "shortcut"), {}, stride),
                                       b + "shortcut_batch_norm");
      x = (y + aside).relu();
    }
    return torch::linear(x.mean({2, 3}), t.at("classifier.weight"), t.at("classifier.bias"));
  }
  torch::Tensor wide_resnet10(torch::Tensor x) const
  {
    x = torch::conv2d(x, weight("stem", true), {}, 1, 1);
    for (int s = 1; s <= 3; ++s) {
      const auto b = "stage" + std::to_string(s) + ".0.";
      const int stride = s == 1 ? 1 : 2;
      const auto a = quantize(norm(x, b + "batch_norm1").relu());
      auto y = norm(torch::conv2d(a, weight(b + "convolution1"), {}, stride, 1), b + "batch_norm2");
      y = torch::conv2d(quantize(y.relu()), weight(b + "convolution2"), {}, 1, 1);
      x = y + torch::conv2d(a, weight(b + "shortcut"), {}, stride);
    }
    return torch::linear(norm(x, "last_batch_norm").relu().mean({2, 3}), t.at("classifier.weight"),
                         t.at("classifier.bias"));
  }
};

/// Perturbs running statistics and batch norm parameters away from 0 and 1.
template<typename Network>
void stir(Network& n)
{
  torch::manual_seed(7);
  rw::for_each_tensor(n, [](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
    const torch::NoGradGuard without_graph;
    if (name.find("batch_norm") != std::string::npos) t.add_(torch::rand_like(t));
  });
}

template<typename Network>
void agrees_with(Network n, int bits, torch::Tensor (by_hand::*reference)(torch::Tensor) const)
{
  n.cast(torch::kFloat64);
  stir(n);
  auto examples = images(small, 4);
  examples.inputs = examples.inputs.to(torch::kFloat64);
  const auto t = tensors_of(n);

  const auto expected = (by_hand{{t, bits, false}}.*reference)(examples.inputs);
  const auto probed = n.predict(examples).logits;
  CHECK((probed.scalar_type() == torch::kFloat64));
  CHECK(torch::allclose(probed, expected, 1e-9, 1e-9));

  rw::tests::check_training(n, examples, [&](const torch::Tensor& x) {
    return (by_hand{{t, bits, true}}.*reference)(x);
  });
}

/// A made-up quantizer with everything that dorefa lacks: a zero point, a scale per channel, a
/// learned scale, a range that is observed.
struct offset_quantizer {
  static constexpr const char* name = "offset";
  bool learned = false;

  struct weights {
    torch::Tensor step;

    rw::quantized operator()(const torch::Tensor& w, bit_width) const
    {
      const auto whole = (w.detach() * 8).round() + 3;
      return {.levels = whole + (w * 8 - (w * 8).detach()),
              .scale = step,
              .zero_point = 3,
              .is_integer = true};
    }
    template<typename Archive>
    void visit_state(Archive& archive)
    {
      archive.parameter("step", step);
    }
  };
  struct activations {
    torch::Tensor largest;

    void observe(const torch::Tensor& x, bit_width) { largest = x.detach().max(); }
    rw::quantized operator()(const torch::Tensor& x, bit_width) const
    {
      return {.levels = (x * 4).round() + 2,
              .scale = torch::full({}, .25, torch::TensorOptions{}.dtype(torch::kFloat32)),
              .zero_point = 2,
              .is_integer = true};
    }
    template<typename Archive>
    void visit_state(Archive& archive)
    {
      archive.buffer("largest", largest);
    }
  };

  weights start_weights(const rw::layer_id&) const
  {
    return {torch::linspace(.1, .6, 6).view({6, 1, 1, 1}).set_requires_grad(learned)};
  }
  activations start_activations(const rw::layer_id&) const { return {}; }
};
static_assert(rw::Quantizer<offset_quantizer>);

rw::planned_layer plan_with(int bits)
{
  return {{"stage1.0.convolution1", rw::layer_kind::convolution, 1, 3},
          {bit_width{bits}, bit_width{bits}}};
}

}  // namespace

TEST_CASE("parameter counts are those of the distillation field's networks")
{
  CHECK(rw::resnet8(cifar100).parameter_count() == 83892);
  CHECK(rw::resnet14(cifar100).parameter_count() == 181108);
  CHECK(rw::resnet20(cifar100).parameter_count() == 278324);
  CHECK(rw::resnet32(cifar100).parameter_count() == 472756);
  CHECK(rw::resnet44(cifar100).parameter_count() == 667188);
  CHECK(rw::resnet56(cifar100).parameter_count() == 861620);
  CHECK(rw::resnet8x4(cifar100).parameter_count() == 1233540);
  CHECK(rw::wide_resnet(16, 1, cifar100).parameter_count() == 180916);
  CHECK(rw::wide_resnet(16, 2, cifar100).parameter_count() == 703284);
  CHECK(rw::wide_resnet(40, 1, cifar100).parameter_count() == 569780);
  CHECK(rw::resnet20({.classes = 10}).parameter_count() == 272474);

  CHECK(normalization_parameters(rw::resnet20(cifar100)) == 1568);
  CHECK(normalization_parameters(rw::wide_resnet(16, 2, cifar100)) == 1824);

  if (rw::tests::sanitized) return;  // no new code, and millions of weights to draw
  CHECK(rw::resnet110(cifar100).parameter_count() == 1736564);
  CHECK(rw::resnet32x4(cifar100).parameter_count() == 7433860);
  CHECK(rw::wide_resnet(40, 2, cifar100).parameter_count() == 2255156);
  CHECK(rw::role_kd_resnet8(cifar100).parameter_count() == 4949412);
  CHECK(rw::role_kd_resnet8({.classes = 10}).parameter_count() == 4903242);
}

TEST_CASE("Role-KD's ResNet18 has its parameters, and its bytes at 2 and at 32 bits" *
          doctest::skip(rw::tests::sanitized))
{
  const auto n = rw::role_kd_resnet18(cifar100, rw::dorefa{}, rw::inner_bits<2>);
  CHECK(n.parameter_count() == 11220132);
  CHECK(normalization_parameters(n) == 9600);
  CHECK(n.bytes() == 3039888.0);
  const auto layers = n.layers();
  std::int64_t few = 0;
  for (const auto& layer : layers)
    if (!layer.widths.weights.is_full()) few += layer.weights;
  CHECK(few == 11157504);
  CHECK(layers.size() == 21);
  CHECK(rw::role_kd_resnet8(cifar100).bytes() == 4.0 * 4949412);
}

TEST_CASE("feature maps are the stem, every stage and the mean, for any image size")
{
  CHECK(feature_shapes(rw::resnet20(cifar100), images(cifar100, 2)) ==
        shapes{{2, 16, 32, 32}, {2, 16, 32, 32}, {2, 32, 16, 16}, {2, 64, 8, 8}, {2, 64}});
  CHECK(feature_shapes(rw::resnet8x4(cifar100), images(cifar100, 2)) ==
        shapes{{2, 32, 32, 32}, {2, 64, 32, 32}, {2, 128, 16, 16}, {2, 256, 8, 8}, {2, 256}});
  CHECK(feature_shapes(rw::wide_resnet(16, 2, cifar100), images(cifar100, 2)) ==
        shapes{{2, 16, 32, 32}, {2, 32, 32, 32}, {2, 64, 16, 16}, {2, 128, 8, 8}, {2, 128}});
  CHECK(feature_shapes(rw::resnet8(small, rw::dorefa{}), images(small, 2)) ==
        shapes{{2, 16, 12, 10}, {2, 16, 12, 10}, {2, 32, 6, 5}, {2, 64, 3, 3}, {2, 64}});
  CHECK(rw::resnet8(small).predict(images(small, 2)).features.empty());
  CHECK(rw::resnet8(small).predict(images(small, 2)).logits.sizes() == at::IntArrayRef{2, 5});

  if (rw::tests::sanitized) return;
  CHECK(feature_shapes(rw::role_kd_resnet8(cifar100), images(cifar100, 2)) ==
        shapes{{2, 64, 32, 32},
               {2, 64, 32, 32},
               {2, 128, 16, 16},
               {2, 256, 8, 8},
               {2, 512, 4, 4},
               {2, 512}});
}

TEST_CASE("features of residual stages are rectified, and lie before a quantizer's clip")
{
  auto n = rw::resnet8(small, rw::dorefa{});
  const auto features = n.forward(images(small, 8), n.offered_taps).features;
  for (const auto& [id, f] : features)
    CHECK((f.min().item<double>() >= 0.0) == (id.kind != rw::tap_kind::before_activation));
  CHECK(features[rw::tap::stage<1>].max().item<double>() > 1.0);
  auto wide = rw::wide_resnet(10, 2, small);
  for (const auto& [id, f] : wide.forward(images(small, 8), wide.offered_taps).features)
    CHECK((f.min().item<double>() >= 0.0) == (id == rw::tap::penultimate));
}

TEST_CASE("layers are reported in the order of the forward pass, with their widths")
{
  const auto n = rw::resnet8(small, rw::dorefa{}, rw::inner_bits<2, 4>);
  std::vector<std::string> names;
  for (const auto& layer : n.layers()) {
    CHECK(layer.place.index == static_cast<std::int64_t>(names.size()));
    CHECK(layer.place.count == 10);
    names.push_back(layer.place.name);
    const bool end = layer.place.is_first() || layer.place.is_last();
    CHECK(layer.widths == (end ? rw::layer_bits{} : rw::layer_bits{bit_width{2}, bit_width{4}}));
  }
  CHECK(names == std::vector<std::string>{"stem", "stage1.0.convolution1", "stage1.0.convolution2",
                                          "stage2.0.convolution1", "stage2.0.convolution2",
                                          "stage2.0.shortcut", "stage3.0.convolution1",
                                          "stage3.0.convolution2", "stage3.0.shortcut",
                                          "classifier"});
  CHECK(n.layers()[5].place.kind == rw::layer_kind::shortcut);
  CHECK(n.layers()[9].place.kind == rw::layer_kind::linear);
  CHECK(n.name() == "resnet8");
  CHECK(rw::resnet_x4_plan(32).name == "resnet32x4");
  CHECK(rw::wide_resnet(16, 2, small, rw::dorefa{}).layers().size() == 17);
  CHECK(rw::wide_resnet(16, 2, small).name() == "wide_resnet16-2");

  // A quantizer without a scheme gets the default: both ends exempt, 2 bits inside.
  CHECK(rw::resnet8(small, rw::dorefa{}).layers()[1].widths.activations == bit_width{2});
  CHECK(rw::resnet8(small, rw::dorefa{}).layers()[0].widths == rw::layer_bits{});
  CHECK(rw::resnet8(small).layers()[1].widths == rw::layer_bits{});

  // The network's input is never quantized.
  const auto alike = rw::resnet8(small, rw::dorefa{}, rw::all_alike{bit_width{3}, bit_width{3}});
  CHECK(alike.layers()[0].widths == rw::layer_bits{bit_width{3}, bit_width{32}});
  CHECK(alike.layers()[9].widths == rw::layer_bits{bit_width{3}, bit_width{3}});
}

TEST_CASE("networks compute what a network written by hand computes, forward and backward")
{
  agrees_with(rw::resnet8(small), 32, &by_hand::resnet8);
  agrees_with(rw::resnet8(small, rw::dorefa{}), 2, &by_hand::resnet8);
  agrees_with(rw::resnet8(small, rw::dorefa{}, rw::inner_bits<4>), 4, &by_hand::resnet8);
  agrees_with(rw::resnet8(small, rw::dorefa{}, rw::full_precision{}), 32, &by_hand::resnet8);
  agrees_with(rw::wide_resnet(10, 2, small), 32, &by_hand::wide_resnet10);
  agrees_with(rw::wide_resnet(10, 2, small, rw::dorefa{}), 2, &by_hand::wide_resnet10);
}

TEST_CASE("a shortcut with a width of its own quantizes its input apart")
{
  const rw::layer_bits full{}, two{bit_width{2}, bit_width{2}};
  const auto all = [&](const rw::layer_bits& of_shortcuts) {
    return rw::per_layer{
        .layers = {{"stage2.0.shortcut", of_shortcuts}, {"stage3.0.shortcut", of_shortcuts}},
        .otherwise = rw::inner_bits<2>};
  };
  const auto check = [&](auto&& make) {
    const auto plain = make(rw::inner_bits<2>);
    const auto same = make(all(two)), other = make(all(full));
    const auto examples = images(small, 4);
    CHECK(torch::equal(plain.predict(examples).logits, same.predict(examples).logits));
    CHECK_FALSE(torch::equal(plain.predict(examples).logits, other.predict(examples).logits));
  };
  check([&](auto scheme) { return rw::resnet8(small, rw::dorefa{}, scheme); });
  const rw::per_layer wide{.layers = {{"stage1.0.shortcut", full}}, .otherwise = rw::inner_bits<2>};
  const auto examples = images(small, 4);
  CHECK_FALSE(
      torch::equal(rw::wide_resnet(10, 2, small, rw::dorefa{}).predict(examples).logits,
                   rw::wide_resnet(10, 2, small, rw::dorefa{}, wide).predict(examples).logits));
}

TEST_CASE("a convolution of levels is exact, and equals the convolution of values")
{
  const rw::dorefa q;
  const auto plan = plan_with(2);
  rw::convolution<rw::dorefa> layer{q, plan, {.in = 64, .out = 32}, {.seed = rw::seed{5}}};
  rw::activation<rw::dorefa> before{q, plan};
  torch::manual_seed(0);
  const auto x = torch::rand({2, 64, 9, 7}).contiguous(torch::MemoryFormat::ChannelsLast) * 1.2;
  torch::Tensor latent;
  rw::for_each_tensor(layer,
                      [&](const std::string&, torch::Tensor& t, rw::tensor_kind) { latent = t; });

  const auto in = before.of_rectified(x, phase::evaluation);
  const auto w = q.start_weights(plan.place)(latent, bit_width{2});
  const auto y = layer(in, phase::evaluation).detach();

  const auto sums = torch::zeros({2, 32, 9, 7}, torch::kLong);
  const auto padded = torch::constant_pad_nd(in.levels.to(torch::kLong), {1, 1, 1, 1}).contiguous();
  const auto integers = w.levels.detach().to(torch::kLong).contiguous();
  const auto a = padded.accessor<std::int64_t, 4>(), b = integers.accessor<std::int64_t, 4>();
  auto sum = sums.accessor<std::int64_t, 4>();
  for (std::int64_t n = 0; n < 2; ++n)
    for (std::int64_t o = 0; o < 32; ++o)
      for (std::int64_t i = 0; i < 9; ++i)
        for (std::int64_t j = 0; j < 7; ++j)
          for (std::int64_t c = 0; c < 64; ++c)
            for (std::int64_t k = 0; k < 9; ++k)
              sum[n][o][i][j] += a[n][c][i + k / 3][j + k % 3] * b[o][c][k / 3][k % 3];
  CHECK(sums.abs().max().item<std::int64_t>() > 100);
  CHECK(torch::equal((y * 9).round().to(torch::kLong), sums));
  CHECK(torch::equal(y, sums.to(torch::kFloat) * (in.scale * w.scale)));
  CHECK(torch::allclose(y, torch::conv2d(in.values(), w.values().detach(), {}, 1, 1), 1e-5, 1e-5));
}

TEST_CASE("a convolution honors zero points and scales per channel, learned or not")
{
  torch::manual_seed(0);
  const auto x = torch::rand({2, 3, 5, 5});
  for (const bool learned : {false, true}) {
    CAPTURE(learned);
    const offset_quantizer q{learned};
    const auto plan = plan_with(4);
    rw::convolution<offset_quantizer> layer{q, plan, {.in = 3, .out = 6}, {}};
    rw::activation<offset_quantizer> before{q, plan};
    std::map<std::string, torch::Tensor> t;
    rw::for_each_tensor(
        layer, [&](const std::string& name, torch::Tensor& v, rw::tensor_kind) { t[name] = v; });
    const offset_quantizer::weights state{t.at("quantizer.step")};
    const auto values = state(t.at("weight"), bit_width{4}).values();
    const auto in = before.of_rectified(x, phase::training);
    const auto expected = torch::conv2d(in.values(), values, {}, 1, 1);
    const auto y = layer(in, phase::training);
    CHECK(torch::allclose(y, expected, 1e-5, 1e-5));

    const auto direction = torch::randn_like(expected);
    (expected * direction).sum().backward();
    const auto of_weight = t["weight"].grad().clone();
    t["weight"].mutable_grad().zero_();
    torch::Tensor of_step;
    if (learned) {
      of_step = t["quantizer.step"].grad().clone();
      t["quantizer.step"].mutable_grad().zero_();
    }
    (y * direction).sum().backward();
    CHECK(torch::allclose(t["weight"].grad(), of_weight, 1e-4, 1e-4));
    if (learned) CHECK(torch::allclose(t["quantizer.step"].grad(), of_step, 1e-4, 1e-3));
  }
}

TEST_CASE("ranges are observed in training alone")
{
  rw::activation<offset_quantizer> layer{offset_quantizer{}, plan_with(4)};
  torch::Tensor seen;
  const auto look = [&] {
    rw::for_each_tensor(layer,
                        [&](const std::string&, torch::Tensor& t, rw::tensor_kind) { seen = t; });
  };
  (void)layer.of_rectified(torch::full({1, 1, 2, 2}, 5.0f), phase::evaluation);
  look();
  CHECK_FALSE(seen.defined());
  (void)layer.rectify(torch::full({1, 1, 2, 2}, 5.0f), phase::training);
  look();
  REQUIRE(seen.defined());
  CHECK(seen.item<double>() == 5.0);
}

TEST_CASE("padding SAME puts the odd pixel at the far side")
{
  for (const std::int64_t size : {7, 8}) {
    for (const std::int64_t kernel : {1, 3}) {
      CAPTURE(size);
      CAPTURE(kernel);
      const rw::convolution_shape shape{
          .in = 2, .out = 3, .kernel = kernel, .stride = 2, .padding = rw::padding_rule::same};
      rw::convolution<rw::no_quantizer> layer{{}, plan_with(32), shape, {}};
      torch::Tensor w;
      rw::for_each_tensor(layer,
                          [&](const std::string&, torch::Tensor& t, rw::tensor_kind) { w = t; });
      const auto x = torch::rand({1, 2, size, size});
      const auto padded = kernel == 1 ? x
                                      : torch::constant_pad_nd(
                                            x, size == 8 ? std::vector<std::int64_t>{0, 1, 0, 1}
                                                         : std::vector<std::int64_t>{1, 1, 1, 1});
      CHECK(torch::allclose(layer(x, phase::evaluation), torch::conv2d(padded, w, {}, 2), 1e-6,
                            1e-6));
    }
  }
}

TEST_CASE("batch norm moves its running statistics in training alone")
{
  rw::batch_norm norm{2, {.momentum = 0.25, .epsilon = 1e-3}};
  const auto x =
      torch::tensor({1., 3., 5., 7., 2., 2., 2., 2.}, torch::kFloat32).view({1, 2, 2, 2});
  std::map<std::string, torch::Tensor> t;
  rw::for_each_tensor(norm,
                      [&](const std::string& n, torch::Tensor& v, rw::tensor_kind) { t[n] = v; });
  (void)norm(x, phase::evaluation);
  CHECK(torch::equal(t["running_mean"], torch::zeros(2)));
  const auto y = norm(x, phase::training);
  CHECK(y[0][0][0][0].item<double>() ==
        doctest::Approx(-3 / std::sqrt(5.001)).epsilon(1e-5).scale(0));
  CHECK(torch::allclose(t["running_mean"], torch::tensor({1.0f, 0.5f})));
  CHECK(torch::allclose(t["running_variance"], torch::tensor({0.75f + 0.25f * 20 / 3, 0.75f})));
  CHECK_THROWS_WITH_AS(
      (void)norm(torch::zeros({1, 2, 1, 1}), phase::training),
      "rolewise: batch_norm: want more than one value per channel in training, got [1, 2, 1, 1]",
      std::invalid_argument);
}

TEST_CASE("first weights are functions of the seed and the layer's name")
{
  const auto weights = [](std::uint64_t seed) {
    return tensors_of(rw::resnet8(small, {}, {}, {.seed = rw::seed{seed}}));
  };
  torch::manual_seed(1);
  const auto one = weights(1);
  torch::manual_seed(2);
  const auto again = weights(1), other = weights(2);
  for (const auto& [name, t] : one) CHECK_MESSAGE(torch::equal(t, again.at(name)), name);
  CHECK_FALSE(torch::equal(one.at("stem.weight"), other.at("stem.weight")));
  CHECK_FALSE(
      torch::equal(one.at("stage1.0.convolution1.weight"), one.at("stage1.0.convolution2.weight")));
  const auto threads = at::get_num_threads();
  at::set_num_threads(threads == 1 ? 2 : 1);
  const auto elsewhere = weights(1);
  at::set_num_threads(threads);
  for (const auto& [name, t] : one) CHECK_MESSAGE(torch::equal(t, elsewhere.at(name)), name);

  const auto key =
      rw::seed{1}.split(rw::purpose{"first weights"}).split(rw::purpose{"stage3.0.shortcut"});
  const auto known = static_cast<float>(std::sqrt(2.0 / 64) * rw::draws{key, 0, 0}.normal(33));
  CHECK(one.at("stage3.0.shortcut.weight")[1][1][0][0].item<float>() == known);
}

TEST_CASE("first weights have the spread that their authors gave them")
{
  const auto t = tensors_of(rw::resnet20(cifar100));
  const auto deviation = [](const torch::Tensor& w) { return w.std().item<double>(); };
  CHECK(deviation(t.at("stage3.1.convolution1.weight")) ==
        doctest::Approx(std::sqrt(2.0 / (9 * 64))).epsilon(0.02).scale(0));
  CHECK(t.at("stage3.1.convolution1.weight").mean().item<double>() ==
        doctest::Approx(0).epsilon(1e-3));
  CHECK(t.at("stage3.1.convolution1.weight").is_contiguous(torch::MemoryFormat::ChannelsLast));
  for (const auto* name : {"classifier.weight", "classifier.bias"}) {
    CHECK(t.at(name).abs().max().item<double>() <= 0.125);
    CHECK(t.at(name).abs().max().item<double>() > 0.115);
  }
  CHECK(deviation(t.at("classifier.weight")) ==
        doctest::Approx(.125 / std::sqrt(3)).epsilon(0.03).scale(0));
  const auto wide = tensors_of(rw::wide_resnet(10, 1, cifar100));
  CHECK(wide.at("classifier.bias").abs().max().item<double>() == 0.0);

  if (rw::tests::sanitized) return;
  const auto kd = tensors_of(rw::role_kd_resnet8(cifar100));
  const auto& w = kd.at("stage2.0.convolution2.weight");
  const double cut = 2 * std::sqrt(1.3 * 2 / (9 * 128.0));
  CHECK(w.abs().max().item<double>() <= cut);
  CHECK(w.abs().max().item<double>() > 0.99 * cut);
  CHECK(deviation(w) == doctest::Approx(std::sqrt(2 / (9 * 128.0))).epsilon(0.02).scale(0));
  CHECK(kd.at("classifier.weight").abs().max().item<double>() <= std::sqrt(6.0 / 612));
  CHECK(kd.at("classifier.bias").abs().max().item<double>() == 0.0);
}

TEST_CASE("convolutions start as LibTorch's where that is asked for")
{
  const rw::network_options options{.convolutions = rw::conv_init::uniform_fan_in};
  const auto check_bounds = [](const torch::Tensor& w, const torch::Tensor& of_libtorch) {
    const double bound = 1 / std::sqrt(static_cast<double>(w[0].numel()));
    for (const auto& each : {w, of_libtorch}) {
      CHECK(each.abs().max().item<double>() <= bound);
      CHECK(each.abs().max().item<double>() > 0.95 * bound);
      CHECK(each.std().item<double>() ==
            doctest::Approx(bound / std::sqrt(3)).epsilon(0.05).scale(0));
    }
    CHECK(w.is_contiguous(torch::MemoryFormat::ChannelsLast));
  };
  const auto of_libtorch = [](std::int64_t in, std::int64_t out, std::int64_t kernel) {
    torch::manual_seed(1);
    return torch::nn::Conv2d
    {
      torch::nn::Conv2dOptions { in, out, kernel }
    } -> weight.detach();
  };
  const auto narrow = tensors_of(rw::resnet8(cifar100, {}, {}, options));
  check_bounds(narrow.at("stem.weight"), of_libtorch(3, 16, 3));
  check_bounds(narrow.at("stage3.0.convolution1.weight"), of_libtorch(32, 64, 3));
  check_bounds(narrow.at("stage3.0.shortcut.weight"), of_libtorch(32, 64, 1));
  CHECK(torch::equal(narrow.at("classifier.weight"),
                     tensors_of(rw::resnet8(cifar100)).at("classifier.weight")));
  const auto wide = tensors_of(rw::wide_resnet(10, 1, cifar100, {}, {}, options));
  check_bounds(wide.at("stage2.0.convolution1.weight"), of_libtorch(16, 32, 3));

  const auto key = rw::seed{0}.split(rw::purpose{"first weights"}).split(rw::purpose{"stem"});
  const double bound = 1 / std::sqrt(27.0);
  CHECK(narrow.at("stem.weight")[1][2][0][1].item<float>() ==
        static_cast<float>(rw::draws{key, 0, 0}.uniform(27 + 19, -bound, bound)));

  if (rw::tests::sanitized) return;
  const auto kd = tensors_of(rw::role_kd_resnet8(cifar100, {}, {}, options));
  check_bounds(kd.at("stage1.0.convolution1.weight"), of_libtorch(64, 64, 3));
}

TEST_CASE("networks keep the laws of students")
{
  rw::laws::hold_for(rw::resnet8(small), images(small, 4));
  rw::laws::hold_for(rw::resnet8(small, rw::dorefa{}, rw::inner_bits<1, 2>), images(small, 4));
  rw::laws::hold_for(rw::wide_resnet(10, 2, small, rw::dorefa{}), images(small, 4));
}

TEST_CASE("bodies keep the laws of bodies")
{
  const auto x = images(small, 3).inputs;
  rw::laws::body_holds_for(rw::resnet8(small).body(), x, small.classes);
  rw::laws::body_holds_for(rw::resnet14(small, rw::dorefa{}, rw::inner_bits<2>).body(), x,
                           small.classes);
  rw::laws::body_holds_for(rw::wide_resnet(10, 2, small).body(), x, small.classes);
}

TEST_CASE("networks refuse what they cannot be")
{
  CHECK_THROWS_WITH_AS((void)rw::resnet_plan(9),
                       "rolewise: resnet: want a depth of 6n + 2 (8, 14, 20, ...), got 9",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)rw::wide_resnet(15, 2, small),
                       "rolewise: wide_resnet: want a depth of 6n + 4 (10, 16, 22, ...), got 15",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)rw::wide_resnet(16, 0, small),
                       "rolewise: wide_resnet: want a widening above 0, got 0",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)rw::resnet8({.classes = 0}),
      "rolewise: resnet8: want channels, height, width and classes above 0, got 3, 32, 32 and 0",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)rw::resnet8(cifar100).predict(images(small, 2)),
                       "rolewise: resnet8: want images of 3 channels, got [2, 1, 12, 10]",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)rw::resnet8(small, rw::no_quantizer{}, rw::inner_bits<2>),
      "rolewise: no-quantizer: layer stage1.0.convolution1 is to have 2-bit weights "
      "and 2-bit activations, but this quantizer changes nothing",
      std::invalid_argument);
  const rw::per_layer misspelt{.layers = {{"stage9.0.convolution1", {}}}};
  CHECK_THROWS_AS((void)rw::resnet8(small, rw::dorefa{}, misspelt), std::invalid_argument);
  auto n = rw::resnet8(small);
  CHECK_THROWS_WITH_AS(n.cast(torch::kInt), "rolewise: network: cannot compute in Int",
                       std::invalid_argument);
}

TEST_CASE("a network in bfloat16 keeps logits, classifier and batch norm in single precision")
{
  const auto original = rw::resnet20(cifar100);
  auto n = original;
  n.cast(torch::kBFloat16);
  const auto t = tensors_of(n);
  CHECK((t.at("stem.weight").scalar_type() == torch::kBFloat16));
  CHECK((t.at("stage1.0.convolution1.weight").scalar_type() == torch::kBFloat16));
  CHECK((t.at("stem_batch_norm.running_mean").scalar_type() == torch::kFloat));
  CHECK((t.at("stem_batch_norm.weight").scalar_type() == torch::kFloat));
  CHECK((t.at("classifier.weight").scalar_type() == torch::kFloat));
  CHECK((tensors_of(original).at("stem.weight").scalar_type() == torch::kFloat));

  const auto examples = images(cifar100, 4);
  const auto fine = original.predict(examples).logits;
  const auto coarse = n.predict(examples, n.offered_taps);
  CHECK((coarse.logits.scalar_type() == torch::kFloat));
  for (const auto& [id, f] : coarse.features) CHECK((f.scalar_type() == torch::kFloat));
  CHECK_FALSE(torch::equal(coarse.logits, fine));
  CHECK((coarse.logits - fine).abs().max().item<double>() < 0.05 * fine.std().item<double>());

  auto few = rw::resnet8(small, rw::dorefa{});
  few.cast(torch::kBFloat16);
  CHECK((tensors_of(few).at("stage1.0.convolution1.weight").scalar_type() == torch::kFloat));
  CHECK((few.forward(images(small, 4)).logits.scalar_type() == torch::kFloat));
  few.cast(torch::kFloat);
  CHECK((tensors_of(few).at("stem.weight").scalar_type() == torch::kFloat));
}

TEST_CASE("weights are copied by name, between precisions and depths")
{
  const auto full = rw::resnet8(small, {}, {}, {.seed = rw::seed{1}});
  auto few = rw::resnet8(small, rw::dorefa{}, rw::inner_bits<2>, {.seed = rw::seed{2}});
  stir(few);
  const auto handle = few.parameters().front().value;
  auto report = rw::copy_weights(full, few);
  CHECK(report.copied.size() == full.parameters().size() + full.buffers().size());
  CHECK(report.only_in_source.empty());
  CHECK(report.only_in_target.empty());
  const auto a = tensors_of(full), b = tensors_of(few);
  for (const auto& [name, t] : a) CHECK_MESSAGE(torch::equal(t, b.at(name)), name);
  CHECK(few.parameters().front().value.is_same(handle));
  CHECK(handle.requires_grad());

  auto coarse = full;
  coarse.cast(torch::kBFloat16);
  auto back = rw::resnet8(small, {}, {}, {.seed = rw::seed{3}});
  report = rw::copy_weights(coarse, back);
  CHECK(torch::equal(tensors_of(back).at("stem.weight"),
                     a.at("stem.weight").to(torch::kBFloat16).to(torch::kFloat)));

  auto deeper = rw::resnet14(small, {}, {}, {.seed = rw::seed{4}});
  const auto before = tensors_of(deeper).at("stage1.1.convolution1.weight").clone();
  CHECK_THROWS_WITH_AS(rw::copy_weights(full, deeper),
                       "rolewise: copy_weights: the networks differ in their parameters; only the "
                       "target has stage1.1.convolution1.weight and 17 more; "
                       "copy_options::partial copies what both have",
                       std::invalid_argument);
  CHECK_FALSE(torch::equal(tensors_of(deeper).at("stem.weight"), a.at("stem.weight")));
  report = rw::copy_weights(full, deeper, {.partial = true});
  CHECK(report.only_in_source.empty());
  CHECK(report.only_in_target.size() == 3 * 2 * 5);
  CHECK(torch::equal(tensors_of(deeper).at("stage1.1.convolution1.weight"), before));
  CHECK(torch::equal(tensors_of(deeper).at("stage1.0.convolution1.weight"),
                     a.at("stage1.0.convolution1.weight")));
}

TEST_CASE("weights of other shapes are refused, left or sliced")
{
  const auto narrow = rw::resnet8(small);
  auto more_classes = small;
  more_classes.classes = 7;
  auto other = rw::resnet8(more_classes, {}, {}, {.seed = rw::seed{9}});
  const auto stem = tensors_of(other).at("stem.weight").clone();
  CHECK_THROWS_WITH_AS(rw::copy_weights(narrow, other),
                       "rolewise: copy_weights: classifier.weight is [5, 64] in the source and [7, "
                       "64] in the target; on_other_shape::leading_slices copies what fits",
                       std::invalid_argument);
  CHECK(torch::equal(tensors_of(other).at("stem.weight"), stem));

  const auto last_rows = tensors_of(other).at("classifier.weight").slice(0, 5).clone();
  auto report = rw::copy_weights(narrow, other, {rw::on_other_shape::leave});
  CHECK(report.left == std::vector<std::string>{"classifier.weight", "classifier.bias"});
  report = rw::copy_weights(narrow, other, {rw::on_other_shape::leading_slices});
  CHECK(report.sliced == std::vector<std::string>{"classifier.weight", "classifier.bias"});
  const auto copied = tensors_of(other).at("classifier.weight");
  CHECK(torch::equal(copied.slice(0, 0, 5), tensors_of(narrow).at("classifier.weight")));
  CHECK(torch::equal(copied.slice(0, 5), last_rows));

  auto wide = rw::resnet8x4(small);
  CHECK_THROWS_WITH_AS(
      rw::copy_weights(wide, other, {rw::on_other_shape::leading_slices}),
      "rolewise: copy_weights: the networks differ in their parameters; only the source has "
      "stage1.0.shortcut.weight and 2 more; copy_options::partial copies what both have",
      std::invalid_argument);
  report = rw::copy_weights(wide, other,
                            {.other_shape = rw::on_other_shape::leading_slices, .partial = true});
  CHECK(torch::equal(tensors_of(other).at("stem.weight"),
                     tensors_of(wide).at("stem.weight").slice(0, 0, 16)));
  CHECK(report.only_in_source.size() == 5);  // the projection of the wide one's first stage

  struct nothing {
    std::vector<rw::named_tensor> parameters() const { return {}; }
  };
  CHECK_THROWS_WITH_AS(rw::copy_weights(nothing{}, other),
                       "rolewise: copy_weights: no tensor of the source fits one of the target; "
                       "the source has nothing, ..., the target stem.weight, ...",
                       std::invalid_argument);
}
