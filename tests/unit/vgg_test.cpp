// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/network_body.hpp"
#include "laws/student.hpp"
#include "support/reference_layers.hpp"
#include "support/sanitized.hpp"

#include <rolewise/network/copy_weights.hpp>
#include <rolewise/network/integer_forward.hpp>
#include <rolewise/network/vgg.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/dorefa_gradients.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/with_gradients.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rw = rolewise;
namespace tap = rw::tap;

namespace {

const rw::sample_shape cifar100{.classes = 100};
const rw::sample_shape small{.channels = 1, .height = 12, .width = 10, .classes = 5};

const rw::sample_shape medium{.channels = 1, .height = 24, .width = 17, .classes = 5};

/// VGG8 and VGG11 with few channels.
const rw::vgg_plan thin8{.name = "thin8", .widths = {6, 8, 10, 12, 14}};
const rw::vgg_plan thin11{
    .name = "thin11", .convolutions = {1, 1, 2, 2, 2}, .widths = {6, 8, 10, 12, 14}};

using rw::tests::images;
using rw::tests::shapes;
using rw::tests::tensors_of;

template<typename Network>
shapes shapes_of(const Network& n, rw::tap_kind kind)
{
  shapes all;
  for (const auto& [id, sizes] : n.tap_shapes(n.offered_taps))
    if (id.kind == kind) all.push_back(sizes);
  return all;
}

/// A reference VGG network, written without the library's layers.
struct by_hand : rw::tests::reference_layers {
  std::map<std::string, torch::Tensor> features{};

  torch::Tensor forward(torch::Tensor x, const std::array<std::int64_t, 5>& convolutions)
  {
    const auto height = x.size(2);
    for (std::size_t b = 0; b < 5; ++b) {
      torch::Tensor sum;
      for (std::int64_t i = 0; i < convolutions[b]; ++i) {
        const auto name = "block" + std::to_string(b) + "." + std::to_string(i);
        if (b + static_cast<std::size_t>(i) > 0) x = quantize(x);
        x = torch::conv2d(x, weight(name + ".convolution", name == "block0.0"),
                          t.at(name + ".convolution.bias"), 1, 1);
        const auto norm = name + ".batch_norm.";
        sum = torch::batch_norm(
            x, t.at(norm + "weight"), t.at(norm + "bias"), t.at(norm + "running_mean").clone(),
            t.at(norm + "running_variance").clone(), training, 0.1, 1e-5, false);
        x = sum.relu();
      }
      features["before" + std::to_string(b)] = sum;
      features["stage" + std::to_string(b)] = x;
      if (b < 3 || (b == 3 && height == 64)) x = torch::max_pool2d(x, 2);
    }
    x = features["pooled"] = torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1);
    return torch::linear(x, t.at("classifier.weight"), t.at("classifier.bias"));
  }
};

/// A quantizer that changes no value.
struct identity {
  static constexpr std::string_view name = "identity";

  struct weights {
    static constexpr bool has_state = false;
    static constexpr bool takes_folded_weights = true;
    [[nodiscard]] rw::quantized operator()(const torch::Tensor& w, rw::bit_width) const
    {
      return {.levels = w};
    }
  };
  struct activations {
    static constexpr bool has_state = false;
    [[nodiscard]] rw::quantized operator()(const torch::Tensor& x, rw::bit_width) const
    {
      return {.levels = x};
    }
  };

  [[nodiscard]] weights start_weights(const rw::layer_id&) const { return {}; }
  [[nodiscard]] activations start_activations(const rw::layer_id&) const { return {}; }
};

/// Outputs, features and gradients in double precision against the reference.
template<typename Network>
void agrees_with(Network n, int bits, const rw::sample_shape& shape)
{
  const auto convolutions = n.body().plan().convolutions;
  n.cast(torch::kFloat64);
  torch::manual_seed(7);
  rw::for_each_tensor(n, [](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
    const torch::NoGradGuard without_graph;
    if (name.find("batch_norm") != std::string::npos || name.ends_with("bias"))
      t.add_(torch::rand_like(t));
  });
  auto examples = images(shape, 4);
  examples.inputs = examples.inputs.to(torch::kFloat64);

  by_hand reference{{tensors_of(n), bits, false}};
  const auto expected = reference.forward(examples.inputs, convolutions);
  const auto found = n.predict(examples, n.offered_taps);
  CHECK(torch::allclose(found.logits, expected, 1e-9, 1e-9));
  for (const auto& [id, value] : found.features) {
    const auto name =
        id == tap::penultimate
            ? "pooled"
            : (id.kind == rw::tap_kind::stage ? "stage" : "before") + std::to_string(id.index);
    CAPTURE(name);
    CHECK(torch::allclose(value, reference.features.at(name), 1e-9, 1e-9));
  }

  reference.training = true;
  rw::tests::check_training(
      n, examples, [&](const torch::Tensor& x) { return reference.forward(x, convolutions); });
}

/// One step of gradient descent changes the loss.
template<typename Network>
void check_step(Network n)
{
  const auto examples = images(small, 6);
  const auto loss = [&] { return n.forward(examples).logits.square().sum(); };
  const auto first = loss();
  first.backward();
  {
    const torch::NoGradGuard without_graph;
    for (auto& p : n.parameters()) {
      if (!p.value.grad().defined()) continue;  // a range that full precision leaves alone
      CHECK_MESSAGE(p.value.grad().isfinite().all().template item<bool>(), p.name);
      p.value.sub_(p.value.grad() * 1e-3);
    }
  }
  CHECK(loss().template item<double>() < first.template item<double>());
}

}  // namespace

TEST_CASE("VGG networks have the parameter counts of the distillation literature")
{
  const auto n = rw::vgg8(cifar100);
  CHECK(n.parameter_count() == 3965028);
  if (!rw::tests::sanitized) CHECK(rw::vgg13(cifar100).parameter_count() == 9462180);
  // The others by their plans: their first weights take long to draw without optimization.
  const auto count_of = [](const rw::vgg_plan& plan) {
    std::int64_t count = plan.widths.back() * 100 + 100, in = 3;
    for (std::size_t b = 0; b < plan.widths.size(); ++b)
      for (std::int64_t i = 0; i < plan.convolutions[b]; ++i)
        count += (9 * std::exchange(in, plan.widths[b]) + 3) * plan.widths[b];  // bias, batch norm
    return count;
  };
  CHECK(count_of(rw::vgg_plan_of(8)) == 3965028);
  CHECK(count_of(rw::vgg_plan_of(11)) == 9277284);
  CHECK(count_of(rw::vgg_plan_of(13)) == 9462180);
  CHECK(count_of(rw::vgg_plan_of(16)) == 14774436);
  CHECK(count_of(rw::vgg_plan_of(19)) == 20086692);
  std::int64_t of_norms = 0, of_biases = 0;
  for (const auto& p : n.parameters()) {
    if (p.name.find("batch_norm") != std::string::npos) of_norms += p.value.numel();
    if (p.name.ends_with("convolution.bias")) of_biases += p.value.numel();
  }
  CHECK(of_norms == 2944);
  CHECK(of_biases == 1472);
  std::int64_t multiply_adds = 0;
  for (const auto& layer : n.layers()) multiply_adds += layer.multiply_adds();
  CHECK(multiply_adds == 96192512);
  CHECK(n.layers().size() == 6);
  CHECK(n.name() == "vgg8");
}

TEST_CASE("features of VGG networks are the blocks before pooling")
{
  const shapes of_blocks{{64, 32, 32}, {128, 16, 16}, {256, 8, 8}, {512, 4, 4}, {512, 4, 4}};
  const auto n = rw::vgg8(cifar100);
  CHECK(shapes_of(n, rw::tap_kind::stage) == of_blocks);
  CHECK(shapes_of(n, rw::tap_kind::before_activation) == of_blocks);
  CHECK(n.tap_shapes({tap::penultimate})[tap::penultimate] == std::vector<std::int64_t>{512});

  // Positions are those of the features, for odd sizes too.
  for (const auto& [height, width] : {std::array{64, 64}, {64, 63}, {13, 9}, {8, 21}}) {
    const rw::sample_shape shape{.channels = 2, .height = height, .width = width, .classes = 3};
    const auto thin = rw::make_vgg(thin11, shape);
    const auto sizes = shapes_of(thin, rw::tap_kind::stage);
    for (const auto& layer : thin.layers()) {
      if (layer.place.is_last()) continue;
      const auto& at = sizes.at(static_cast<std::size_t>(layer.place.name[5] - '0'));
      CHECK(layer.positions == at[1] * at[2]);
    }
    CHECK(sizes[4][1] == (height == 64 && width == 64 ? 4 : height / 8));
  }
}

TEST_CASE("VGG networks agree with a computation by hand, forward and backward")
{
  agrees_with(rw::make_vgg(thin8, small), 32, small);
  agrees_with(rw::make_vgg(thin11, medium), 32, medium);
  const rw::sample_shape large{.channels = 3, .height = 64, .width = 64, .classes = 4};
  agrees_with(rw::make_vgg(thin8, large), 32, large);
  // With few bits sums would tie, and rounding would decide which of them max pooling takes.
  agrees_with(rw::make_vgg(thin11, medium, rw::dorefa{}, rw::inner_bits<8>), 8, medium);
}

TEST_CASE("running means of VGG networks include the bias of the convolution")
{
  auto n = rw::make_vgg(thin8, small);
  auto shifted = n;
  {
    const torch::NoGradGuard without_graph;
    tensors_of(shifted).at("block1.0.convolution.bias").add_(3.0);
  }
  const auto examples = images(small, 6);
  const auto before = n.forward(examples).logits, after = shifted.forward(examples).logits;
  CHECK(torch::allclose(before, after, 1e-3, 1e-4));
  const auto apart = tensors_of(shifted).at("block1.0.batch_norm.running_mean") -
                     tensors_of(n).at("block1.0.batch_norm.running_mean");
  CHECK(torch::allclose(apart, torch::full_like(apart, 0.3), 1e-3, 1e-4));
}

TEST_CASE("a folded batch norm folds the bias of the convolution too")
{
  // Where the quantizer changes nothing, neither does folding.
  const auto make = [](bool is_folded) {
    auto n =
        rw::make_vgg(thin11, medium, identity{}, rw::inner_bits<8>, {.fold_batch_norm = is_folded});
    n.cast(torch::kFloat64);
    torch::manual_seed(5);
    const torch::NoGradGuard without_graph;
    for (auto& p : n.parameters())
      if (p.name.ends_with("convolution.bias")) p.value.add_(torch::randn_like(p.value));
    return n;
  };
  auto plain = make(false), folded = make(true);
  const auto examples = images(medium, 6);
  for (int i = 0; i < 3; ++i) {
    const auto expected = plain.forward(examples).logits, found = folded.forward(examples).logits;
    CHECK(torch::allclose(found, expected, 1e-6, 1e-8));
    expected.square().sum().backward();
    found.square().sum().backward();
  }
  const auto expected = tensors_of(plain);
  for (const auto& [name, value] : tensors_of(folded)) {
    CAPTURE(name);
    CHECK(torch::allclose(value, expected.at(name), 1e-6, 1e-8));
    if (!value.requires_grad()) continue;
    const auto g = expected.at(name).grad();
    CHECK((value.grad() - g).abs().max().item<double>() <
          1e-6 * (1.0 + g.abs().max().item<double>()));
  }
  CHECK(
      torch::allclose(folded.predict(examples).logits, plain.predict(examples).logits, 1e-6, 1e-8));
}

TEST_CASE("initial weights of VGG networks have their deviations")
{
  const auto t =
      tensors_of(rw::make_vgg(rw::tests::sanitized ? rw::vgg_plan{.name = "vgg9",
                                                                  .convolutions = {2, 2, 1, 1, 1},
                                                                  .widths = {64, 128, 64, 64, 64}}
                                                   : rw::vgg_plan_of(13),
                              cifar100));
  for (const auto& [name, value] : t) {
    CAPTURE(name);
    if (name.ends_with("bias")) CHECK(value.abs().max().item<double>() == 0.0);
    if (!name.ends_with("convolution.weight")) continue;
    const double deviation = std::sqrt(2.0 / (9.0 * static_cast<double>(value.size(0))));
    const double count = static_cast<double>(value.numel());
    CHECK(value.std().item<double>() ==
          doctest::Approx(deviation).epsilon(4.0 / std::sqrt(2.0 * count)).scale(0));
    CHECK(std::abs(value.mean().item<double>()) < 4.0 * deviation / std::sqrt(count));
  }
  CHECK(t.at("classifier.weight").std().item<double>() ==
        doctest::Approx(0.01).epsilon(0.02).scale(0));

  const rw::network_options uniform{.convolutions = rw::conv_init::uniform_fan_in};
  const auto u = tensors_of(rw::vgg8(cifar100, uniform));
  const double bound = 1.0 / std::sqrt(9.0 * 64.0);
  const auto bias = u.at("block1.0.convolution.bias");
  CHECK(bias.abs().max().item<double>() < bound);
  CHECK(bias.abs().max().item<double>() > 0.9 * bound);
}

TEST_CASE("VGG networks keep the laws of bodies and students")
{
  const auto x = images(small, 3).inputs.contiguous(torch::MemoryFormat::ChannelsLast);
  rw::laws::body_holds_for(rw::make_vgg(thin8, small).body(), x, small.classes);
  rw::laws::body_holds_for(rw::make_vgg(thin11, small, rw::dorefa{}, rw::inner_bits<2>).body(), x,
                           small.classes);
  rw::laws::hold_for(rw::make_vgg(thin11, small), images(small, 4));
  rw::laws::hold_for(rw::make_vgg(thin8, small, rw::dorefa{}, rw::inner_bits<1, 2>),
                     images(small, 4));
}

TEST_CASE("VGG networks train in low bits, in bfloat16 and with quantized gradients")
{
  check_step(rw::make_vgg(thin11, small));
  check_step(rw::make_vgg(thin11, small, rw::dorefa{}, rw::inner_bits<4>));
  check_step(rw::make_vgg(thin8, small, rw::lsq{}, rw::inner_bits<3>));
  check_step(rw::make_vgg(thin11, small, rw::with_gradients{rw::dorefa{}, rw::dorefa_gradients{}},
                          rw::inner_bits<4>));
  auto low = rw::make_vgg(thin11, small);
  low.cast(torch::kBFloat16);
  const auto answer = low.forward(images(small, 4), low.offered_taps);
  CHECK((answer.logits.scalar_type() == torch::kFloat));
  for (const auto& [id, value] : answer.features) CHECK((value.scalar_type() == torch::kFloat));
  CHECK((tensors_of(low).at("block0.0.convolution.bias").scalar_type() == torch::kFloat));
}

TEST_CASE("the precision of passes reaches the convolutions of VGG networks")
{
  auto n = rw::make_vgg(thin11, medium);
  const auto examples = images(medium, 4);
  const torch::NoGradGuard without_graph;
  const auto fine = n.predict(examples).logits;
  n.set_precision({.forward = rw::pass_precision::bfloat16});
  const auto coarse = n.predict(examples).logits;
  CHECK_FALSE(torch::equal(coarse, fine));
  CHECK(torch::allclose(coarse, fine, 0.05, 0.05 * fine.abs().max().item<double>()));
  n.set_precision({});
  CHECK(torch::equal(n.predict(examples).logits, fine));
}

TEST_CASE("integers and floating-point levels give the same VGG network")
{
  auto n = rw::make_vgg(thin11, medium, rw::lsq{}, rw::inner_bits<4>);
  (void)n.forward(images(medium, 4, 1));
  const auto examples = images(medium, 4);
  const torch::NoGradGuard without_graph;
  const auto found = n.predict(examples, n.offered_taps);
  if (rw::integer_forward_support().available)
    for (const auto& layer : n.layers())
      CHECK((layer.arithmetic == rw::layer_arithmetic::integer) ==
            (layer.widths != rw::layer_bits{}));
  const rw::without_integers reference;
  const auto expected = n.predict(examples, n.offered_taps);
  CHECK(torch::equal(found.logits, expected.logits));
  for (const auto& [id, value] : found.features) CHECK(torch::equal(value, expected.features[id]));
}

TEST_CASE("the state of a VGG network is copied by name")
{
  auto n = rw::make_vgg(thin11, small, rw::dorefa{}, rw::inner_bits<4>);
  (void)n.forward(images(small, 4));
  auto other = rw::make_vgg(thin11, small, rw::dorefa{}, rw::inner_bits<4>, {.seed = rw::seed{9}});
  const auto report = rw::copy_weights(n, other);
  CHECK(report.only_in_source.empty());
  CHECK(report.only_in_target.empty());
  CHECK(torch::equal(n.predict(images(small, 4)).logits, other.predict(images(small, 4)).logits));
  const auto t = tensors_of(n);
  for (const auto* const name :
       {"block0.0.convolution.weight", "block0.0.convolution.bias", "block2.1.batch_norm.weight",
        "block4.1.batch_norm.running_variance", "classifier.weight", "classifier.bias"})
    CHECK_MESSAGE(t.contains(name), name);
}

TEST_CASE("VGG networks refuse what they cannot be")
{
  CHECK_THROWS_WITH_AS((void)rw::vgg_plan_of(9),
                       "rolewise: vgg: want a depth of 8, 11, 13, 16 or 19, got 9",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)rw::vgg8({.height = 7}), doctest::Contains("at least 8 x 8 pixels"),
                       std::invalid_argument);
  auto examples = images(small, 2);
  examples.inputs = torch::randn({2, 1, 6, 20});
  CHECK_THROWS_AS((void)rw::make_vgg(thin8, small).predict(examples), std::invalid_argument);
  auto plan = thin8;
  plan.widths[2] = 0;
  CHECK_THROWS_WITH_AS((void)rw::make_vgg(plan, small), doctest::Contains("in block 2"),
                       std::invalid_argument);
}
