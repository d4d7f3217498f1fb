// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/network_body.hpp"
#include "laws/student.hpp"
#include "support/reference_layers.hpp"

#include <rolewise/network/copy_weights.hpp>
#include <rolewise/network/integer_forward.hpp>
#include <rolewise/network/shufflenet_v1.hpp>
#include <rolewise/network/shufflenet_v2.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/uniform_affine.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace rw = rolewise;
namespace tap = rw::tap;

namespace {

using rw::tests::images;
using rw::tests::shapes;
using rw::tests::tensors_of;

const rw::sample_shape cifar100{.classes = 100};
const rw::sample_shape small{.channels = 1, .height = 12, .width = 9, .classes = 4};

/// With groups of several channels, and stages of one unit and of more.
const rw::shufflenet_v1_plan thin1{
    .name = "thin1", .groups = 2, .stem = 8, .widths = {24, 40, 56}, .units = {2, 1, 2}};
const rw::shufflenet_v2_plan thin2{
    .name = "thin2", .stem = 6, .widths = {8, 12, 20}, .blocks = {2, 1, 3}, .head = 14};

/// Parts of both reference networks, in plain tensor operations.
struct by_hand : rw::tests::reference_layers {
  std::map<std::string, torch::Tensor> features{};

  torch::Tensor normalized(const torch::Tensor& x, const std::string& name) const
  {
    return torch::batch_norm(x, t.at(name + ".weight"), t.at(name + ".bias"),
                             t.at(name + ".running_mean").clone(),
                             t.at(name + ".running_variance").clone(), training, 0.1, 1e-5, false);
  }
  /// DoReFa's activations, with a bit for the sign.
  torch::Tensor quantize_signed(const torch::Tensor& x) const
  {
    if (bits == 32) return x;
    auto magnitudes = *this;
    magnitudes.bits = bits - 1;
    return magnitudes.quantize(x.abs()) * x.detach().sign();
  }
  static torch::Tensor shuffled(const torch::Tensor& x, std::int64_t groups)
  {
    return x.reshape({x.size(0), groups, x.size(1) / groups, x.size(2), x.size(3)})
        .transpose(1, 2)
        .reshape(x.sizes());
  }
  torch::Tensor pointwise(const torch::Tensor& x, const std::string& name,
                          std::int64_t groups) const
  {
    const std::vector<std::int64_t> none{0, 0}, one{1, 1};
    return torch::conv2d(x, weight(name), {}, one, none, one, groups);
  }
  torch::Tensor depthwise(const torch::Tensor& x, const std::string& name,
                          std::int64_t stride) const
  {
    return normalized(torch::conv2d(x, weight(name), {}, stride, 1, 1, x.size(1)),
                      name + "_batch_norm");
  }
  torch::Tensor stem(const torch::Tensor& images)
  {
    features["before0"] =
        normalized(torch::conv2d(images, weight("stem", true)), "stem_batch_norm");
    return features["stage0"] = features["before0"].relu();
  }
  torch::Tensor logits_of(const torch::Tensor& x)
  {
    features["pooled"] = x.mean({2, 3});
    return torch::linear(features["pooled"], t.at("classifier.weight"), t.at("classifier.bias"));
  }

  torch::Tensor forward(const torch::Tensor& images, const rw::shufflenet_v1_plan& plan)
  {
    auto x = stem(images);
    for (std::size_t s = 0; s < 3; ++s)
      for (std::int64_t u = 0; u < plan.units[s]; ++u) {
        const auto name = "stage" + std::to_string(s + 1) + "." + std::to_string(u) + ".";
        const auto groups = s == 0 && u == 0 ? 1 : plan.groups;
        auto y = pointwise(quantize(x), name + "convolution1", groups);
        y = shuffled(normalized(y, name + "batch_norm1").relu(), groups);
        y = depthwise(quantize(y), name + "depthwise", u == 0 ? 2 : 1).relu();
        y = pointwise(quantize(y), name + "convolution2", plan.groups);
        y = normalized(y, name + "batch_norm2");
        const auto aside = u == 0 ? torch::avg_pool2d(x, {3, 3}, {2, 2}, {1, 1}) : x;
        y = u == 0 ? torch::cat({y, aside}, 1) : y + aside;
        features["before" + std::to_string(s + 1)] = y;
        x = features["stage" + std::to_string(s + 1)] = y.relu();
      }
    return logits_of(x);
  }

  torch::Tensor branch(const torch::Tensor& x, const std::string& name, std::int64_t stride) const
  {
    const auto y =
        normalized(torch::conv2d(quantize(x), weight(name + "convolution1")), name + "batch_norm1")
            .relu();
    const auto z = quantize_signed(depthwise(quantize(y), name + "depthwise", stride));
    return normalized(torch::conv2d(z, weight(name + "convolution2")), name + "batch_norm2");
  }
  torch::Tensor forward(const torch::Tensor& images, const rw::shufflenet_v2_plan& plan)
  {
    auto x = stem(images);
    for (std::size_t s = 0; s < 3; ++s)
      for (std::int64_t b = 0; b < plan.blocks[s]; ++b) {
        const auto name = "stage" + std::to_string(s + 1) + "." + std::to_string(b) + ".";
        torch::Tensor left, right;
        if (b == 0) {
          const auto y = quantize_signed(depthwise(quantize(x), name + "side.depthwise", 2));
          left = normalized(torch::conv2d(y, weight(name + "side.convolution")),
                            name + "side.batch_norm");
          right = branch(x, name + "branch.", 2);
        } else {
          left = x.chunk(2, 1)[0];
          right = branch(x.chunk(2, 1)[1], name + "branch.", 1);
        }
        // What passes is rectified already.
        features["before" + std::to_string(s + 1)] = shuffled(torch::cat({left, right}, 1), 2);
        x = features["stage" + std::to_string(s + 1)] =
            features["before" + std::to_string(s + 1)].relu();
      }
    x = normalized(torch::conv2d(quantize(x), weight("head")), "head_batch_norm").relu();
    return logits_of(x);
  }
};

/// Outputs, features and gradients in double precision against the reference.
template<typename Network>
void agrees_with(Network n, int bits)
{
  const auto plan = n.body().plan();
  n.cast(torch::kFloat64);
  torch::manual_seed(7);
  rw::for_each_tensor(n, [](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
    const torch::NoGradGuard without_graph;
    if (name.find("batch_norm") != std::string::npos || name.ends_with("bias"))
      t.add_(torch::rand_like(t) - 0.3);
  });
  auto examples = images(small, 4);
  examples.inputs = examples.inputs.to(torch::kFloat64);
  by_hand reference{{tensors_of(n), bits, false}};
  const auto expected = reference.forward(examples.inputs, plan);
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
  rw::tests::check_training(n, examples,
                            [&](const torch::Tensor& x) { return reference.forward(x, plan); });
}

/// One step of gradient descent lowers the loss.
template<typename Network>
void check_step(Network n)
{
  const auto examples = images(small, 6);
  const auto loss = [&] { return n.forward(examples).logits.add(1).square().sum(); };
  const auto first = loss();
  first.backward();
  {
    const torch::NoGradGuard without_graph;
    for (auto& p : n.parameters()) {
      if (!p.value.grad().defined()) continue;  // a range that full precision leaves alone
      CHECK_MESSAGE(p.value.grad().isfinite().all().template item<bool>(), p.name);
      p.value.sub_(p.value.grad() * 1e-4);
    }
  }
  CHECK(loss().template item<double>() < first.template item<double>());
}

template<typename Network>
void check_counts(const Network& n, std::int64_t parameters, std::size_t convolutions,
                  std::int64_t normalized, double multiply_adds)
{
  CHECK(n.parameter_count() == parameters);
  CHECK(n.layers().size() == convolutions + 1);
  std::int64_t of_norms = 0, products = 0;
  for (const auto& p : n.parameters())
    if (p.name.find("batch_norm") != std::string::npos) of_norms += p.value.numel();
  for (const auto& layer : n.layers()) products += layer.multiply_adds();
  CHECK(of_norms == normalized);
  CHECK(std::abs(static_cast<double>(products) - multiply_adds) < 5e3);
}

/// The shapes of the features for a batch of 2, which are those that the network announces.
template<typename Network>
void check_features(const Network& n, const shapes& of_stages, std::int64_t pooled)
{
  const auto found = n.predict(images(cifar100, 2), n.offered_taps);
  shapes stages, before;
  for (const auto& [id, value] : found.features) {
    if (id.kind == rw::tap_kind::stage) stages.push_back(value.sizes().vec());
    if (id.kind == rw::tap_kind::before_activation) before.push_back(value.sizes().vec());
    if (id.kind == rw::tap_kind::stage) CHECK(value.min().template item<double>() == 0.0);
  }
  CHECK(stages == of_stages);
  CHECK(before == of_stages);
  CHECK(found.features[tap::penultimate].sizes() == at::IntArrayRef{2, pooled});
  for (const auto& [id, sizes] : n.tap_shapes(n.offered_taps))
    CHECK(at::IntArrayRef{sizes} == found.features[id][0].sizes());
  for (std::size_t s = 0; s < of_stages.size(); ++s) {
    const auto index = static_cast<std::uint8_t>(s);
    CHECK(torch::equal(found.features[rw::tap_id{rw::tap_kind::before_activation, index}].relu(),
                       found.features[rw::tap_id{rw::tap_kind::stage, index}]));
  }
}

/// The positions are those that a forward pass counts.
template<typename Make>
void check_positions(const Make& make)
{
  for (const auto& [height, width] : {std::array{12, 9}, {7, 16}}) {
    const rw::sample_shape shape{.channels = 1, .height = height, .width = width, .classes = 3};
    auto n = make(shape);
    (void)n.predict(images(shape, 1));
    std::vector<rw::layer_report> run;
    n.body().report(run);
    const auto reported = n.layers();
    REQUIRE(run.size() == reported.size());
    for (std::size_t i = 0; i < run.size(); ++i) {
      CAPTURE(reported[i].place.name);
      CHECK(run[i].place.name == reported[i].place.name);
      CHECK(run[i].positions == reported[i].positions);
    }
  }
}

template<typename Network>
void check_integers(Network n)
{
  (void)n.forward(images(small, 4, 1));
  const auto examples = images(small, 4);
  const torch::NoGradGuard without_graph;
  const auto found = n.predict(examples, n.offered_taps);
  const auto& support = rw::integer_forward_support();
  if (support.available && support.problem_of_groups.empty())
    for (const auto& layer : n.layers())
      CHECK((layer.arithmetic == rw::layer_arithmetic::integer) ==
            (layer.widths != rw::layer_bits{}));
  const rw::without_integers reference;
  const auto expected = n.predict(examples, n.offered_taps);
  CHECK(torch::equal(found.logits, expected.logits));
  for (const auto& [id, value] : found.features) CHECK(torch::equal(value, expected.features[id]));
}

/// A copy is deep; state is copied by name into a network of other weights.
template<typename Network>
void check_copies(Network n, Network other)
{
  const auto copy = n;
  const auto before = copy.predict(images(small, 4)).logits;
  {
    const torch::NoGradGuard without_graph;
    for (auto& p : n.parameters()) p.value.add_(0.5);
  }
  CHECK(torch::equal(copy.predict(images(small, 4)).logits, before));
  const auto report = rw::copy_weights(n, other);
  CHECK(report.only_in_source.empty());
  CHECK(report.only_in_target.empty());
  CHECK(torch::equal(n.predict(images(small, 4)).logits, other.predict(images(small, 4)).logits));
}

}  // namespace

TEST_CASE("ShuffleNets have the counts of the distillation literature")
{
  check_counts(rw::shufflenet_v1(cifar100), 949258, 49, 23736, 38.69e6);
  check_counts(rw::shufflenet_v2(cifar100), 1355528, 56, 16180, 44.50e6);
}

TEST_CASE("features of ShuffleNets are their stem and stages")
{
  check_features(rw::shufflenet_v1(cifar100),
                 {{2, 24, 32, 32}, {2, 240, 16, 16}, {2, 480, 8, 8}, {2, 960, 4, 4}}, 960);
  check_features(rw::shufflenet_v2(cifar100),
                 {{2, 24, 32, 32}, {2, 116, 16, 16}, {2, 232, 8, 8}, {2, 464, 4, 4}}, 1024);
}

TEST_CASE("positions of ShuffleNets are those of their forward passes")
{
  check_positions([](const auto& shape) { return rw::make_shufflenet_v1(thin1, shape); });
  check_positions([](const auto& shape) { return rw::make_shufflenet_v2(thin2, shape); });
}

TEST_CASE("ShuffleNets agree with a computation by hand, forward and backward")
{
  agrees_with(rw::make_shufflenet_v1(thin1, small), 32);
  agrees_with(rw::make_shufflenet_v1(thin1, small, rw::dorefa{}, rw::inner_bits<6>), 6);
  agrees_with(rw::make_shufflenet_v2(thin2, small), 32);
  agrees_with(rw::make_shufflenet_v2(thin2, small, rw::dorefa{}, rw::inner_bits<6>), 6);
}

TEST_CASE("initial weights of ShuffleNets are those of LibTorch's layers")
{
  const auto check = [](const torch::Tensor& w, double fan_in) {
    const double bound = 1.0 / std::sqrt(fan_in);
    CHECK(w.abs().max().item<double>() <= bound);
    CHECK(w.std().item<double>() == doctest::Approx(bound / std::sqrt(3.0)).epsilon(0.05).scale(0));
  };
  const auto t = tensors_of(rw::shufflenet_v1(cifar100));
  check(t.at("stage2.1.convolution2.weight"), 40);
  check(t.at("stage2.1.depthwise.weight"), 9);
  check(t.at("classifier.weight"), 960);
  check(tensors_of(rw::shufflenet_v2(cifar100)).at("stage3.0.side.depthwise.weight"), 9);
}

TEST_CASE("ShuffleNets keep the laws of bodies and students")
{
  const auto x = images(small, 3).inputs.contiguous(torch::MemoryFormat::ChannelsLast);
  rw::laws::body_holds_for(rw::make_shufflenet_v1(thin1, small).body(), x, small.classes);
  rw::laws::body_holds_for(rw::make_shufflenet_v2(thin2, small).body(), x, small.classes);
  rw::laws::hold_for(rw::make_shufflenet_v1(thin1, small, rw::dorefa{}, rw::inner_bits<4>),
                     images(small, 4));
  rw::laws::hold_for(rw::make_shufflenet_v2(thin2, small, rw::dorefa{}, rw::inner_bits<4>),
                     images(small, 4));
}

TEST_CASE("ShuffleNets train in low bits and in bfloat16")
{
  check_step(rw::make_shufflenet_v1(thin1, small, rw::dorefa{}, rw::inner_bits<4>));
  check_step(rw::make_shufflenet_v2(thin2, small, rw::dorefa{}, rw::inner_bits<4>));
  check_step(rw::make_shufflenet_v1(thin1, small, rw::lsq{}, rw::inner_bits<3>,
                                    {.fold_batch_norm = true}));
  check_step(rw::make_shufflenet_v2(thin2, small, rw::uniform_affine<>{}, rw::inner_bits<8>,
                                    {.fold_batch_norm = true}));
  const auto cast = [](auto n) {
    n.cast(torch::kBFloat16);
    const auto answer = n.forward(images(small, 4), n.offered_taps);
    CHECK((answer.logits.scalar_type() == torch::kFloat));
    for (const auto& [id, value] : answer.features) CHECK((value.scalar_type() == torch::kFloat));
  };
  cast(rw::make_shufflenet_v1(thin1, small));
  cast(rw::make_shufflenet_v2(thin2, small));
}

TEST_CASE("integers and floating-point levels give the same ShuffleNet")
{
  check_integers(rw::make_shufflenet_v1(thin1, small, rw::lsq{}, rw::inner_bits<4>));
  check_integers(rw::make_shufflenet_v2(thin2, small, rw::lsq{}, rw::inner_bits<4>));
}

TEST_CASE("copies of ShuffleNets are deep, and their state is copied by name")
{
  check_copies(
      rw::make_shufflenet_v1(thin1, small, rw::lsq{}, rw::inner_bits<4>),
      rw::make_shufflenet_v1(thin1, small, rw::lsq{}, rw::inner_bits<4>, {.seed = rw::seed{9}}));
  check_copies(
      rw::make_shufflenet_v2(thin2, small, rw::lsq{}, rw::inner_bits<4>),
      rw::make_shufflenet_v2(thin2, small, rw::lsq{}, rw::inner_bits<4>, {.seed = rw::seed{9}}));
}

TEST_CASE("ShuffleNets refuse what they cannot be")
{
  const auto refused = [](const auto& plan, const char* text) {
    const auto make = [&] {
      if constexpr (requires { plan.groups; })
        (void)rw::make_shufflenet_v1(plan, small);
      else
        (void)rw::make_shufflenet_v2(plan, small);
    };
    CHECK_THROWS_WITH_AS(make(), doctest::Contains(text), std::invalid_argument);
  };
  refused(rw::shufflenet_v1_plan{.groups = 0}, "shufflenet_v1: want groups, channels of the stem");
  refused(rw::shufflenet_v1_plan{.units = {4, 0, 4}}, "above 0, got 3, 24 and [4, 0, 4]");
  refused(rw::shufflenet_v1_plan{.widths = {240, 480, 482}}, "want at least 4 more channels");
  refused(rw::shufflenet_v1_plan{.groups = 7},
          "stage1.0.convolution2: want input and output channels in groups of equal size");
  refused(rw::shufflenet_v2_plan{.widths = {116, 233, 464}}, "want an even number of channels");
  refused(rw::shufflenet_v2_plan{.head = 0}, "shufflenet_v2: want channels of stem and head");
}
