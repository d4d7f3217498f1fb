// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/network_body.hpp"
#include "laws/student.hpp"
#include "support/reference_layers.hpp"

#include <rolewise/network/copy_weights.hpp>
#include <rolewise/network/int8_body.hpp>
#include <rolewise/network/integer_forward.hpp>
#include <rolewise/network/mobilenet_v2.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/uniform_affine.hpp>
#include <rolewise/teacher/post_training_quantized.hpp>

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
const rw::sample_shape small{.channels = 1, .height = 20, .width = 13, .classes = 4};

/// An eighth as wide, with one block in a row; the second has two, and so a residual sum.
const rw::mobilenet_v2_plan thin{
    .name = "thin", .width = 0.125, .expansion = 3, .blocks = {1, 2, 1, 1, 1, 1, 1}, .head = 24};

/// A reference MobileNetV2 in plain tensor operations, from the table of the paper.
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
  torch::Tensor block(const torch::Tensor& x, const std::string& name, std::int64_t stride,
                      bool is_first) const
  {
    auto y = torch::conv2d(is_first ? quantize(x) : quantize_signed(x), weight(name + ".expand"));
    y = normalized(y, name + ".expand_batch_norm").relu();
    y = torch::conv2d(quantize(y), weight(name + ".depthwise"), {}, stride, 1, 1, y.size(1));
    y = normalized(y, name + ".depthwise_batch_norm").relu();
    y = normalized(torch::conv2d(quantize(y), weight(name + ".project")),
                   name + ".project_batch_norm");
    return !is_first && stride == 1 && y.size(1) == x.size(1) ? y + x : y;
  }
  torch::Tensor forward(const torch::Tensor& images, const std::array<std::int64_t, 7>& blocks)
  {
    features["before0"] =
        normalized(torch::conv2d(images, weight("stem", true), {}, 2, 1), "stem_batch_norm");
    auto x = features["stage0"] = features["before0"].relu();
    const std::array<std::int64_t, 7> strides{1, 1, 2, 2, 1, 2, 1};
    const std::map<std::size_t, std::string> stages{{1, "1"}, {2, "2"}, {4, "3"}, {6, "4"}};
    for (std::size_t r = 0; r < 7; ++r) {
      for (std::int64_t b = 0; b < blocks[r]; ++b)
        x = block(x, "row" + std::to_string(r + 1) + "." + std::to_string(b),
                  b == 0 ? strides[r] : 1, r == 0 && b == 0);
      if (const auto found = stages.find(r); found != stages.end())
        features["stage" + found->second] = features["before" + found->second] = x;
    }
    x = normalized(torch::conv2d(quantize_signed(x), weight("head")), "head_batch_norm").relu();
    x = features["pooled"] = torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1);
    return torch::linear(x, t.at("classifier.weight"), t.at("classifier.bias"));
  }
};

/// Outputs, features and gradients in double precision against the reference.
template<typename Network>
void agrees_with(Network n, int bits)
{
  const auto blocks = n.body().plan().blocks;
  n.cast(torch::kFloat64);
  torch::manual_seed(7);
  rw::for_each_tensor(n, [](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
    const torch::NoGradGuard without_graph;
    if (name.find("batch_norm") != std::string::npos || name.ends_with("bias"))
      t.add_(torch::rand_like(t));
    else
      t.mul_(3);
  });
  auto examples = images(small, 4);
  examples.inputs = examples.inputs.to(torch::kFloat64);
  by_hand reference{{tensors_of(n), bits, false}};
  const auto expected = reference.forward(examples.inputs, blocks);
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
                            [&](const torch::Tensor& x) { return reference.forward(x, blocks); });
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

}  // namespace

TEST_CASE("MobileNetV2 has the counts of the distillation literature")
{
  const auto n = rw::mobilenet_v2(cifar100);
  CHECK(n.name() == "mobilenet_v2");
  CHECK(n.parameter_count() == 812836);
  CHECK(n.layers().size() == 54);  // 53 convolutions and the classifier
  std::int64_t of_norms = 0, multiply_adds = 0;
  for (const auto& p : n.parameters())
    if (p.name.find("batch_norm") != std::string::npos) of_norms += p.value.numel();
  for (const auto& layer : n.layers()) multiply_adds += layer.multiply_adds();
  CHECK(of_norms == 18368);
  CHECK(std::abs(static_cast<double>(multiply_adds) - 6.52e6) < 5e3);

  // Of other widths, by the formula of its layers.
  const auto count_of = [](const rw::mobilenet_v2_plan& plan) {
    const auto width = [&](std::int64_t of_paper) {
      return static_cast<std::int64_t>(static_cast<double>(of_paper) * plan.width);
    };
    const auto head = plan.width > 1 ? width(plan.head) : plan.head;
    auto in = width(32);
    auto count = in * (27 + 2);
    const std::array<std::int64_t, 7> widths{16, 24, 32, 64, 96, 160, 320};
    for (std::size_t r = 0; r < 7; ++r)
      for (std::int64_t b = 0; b < plan.blocks[r]; ++b) {
        const auto inner = in * (r == 0 ? 1 : plan.expansion), out = width(widths[r]);
        count += inner * (in + 2) + inner * (9 + 2) + out * (inner + 2);
        in = out;
      }
    return count + head * (in + 2) + (head + 1) * 100;
  };
  CHECK(count_of({}) == 812836);
  for (const rw::mobilenet_v2_plan& plan :
       {rw::mobilenet_v2_plan{.width = 0.25}, {.width = 1.1, .expansion = 2, .head = 40}, thin})
    CHECK(rw::make_mobilenet_v2(plan, cifar100).parameter_count() == count_of(plan));
}

TEST_CASE("features of MobileNetV2 are its stem and rows 2, 3, 5 and 7")
{
  const auto n = rw::mobilenet_v2(cifar100);
  const shapes of_stages{
      {2, 16, 16, 16}, {2, 12, 16, 16}, {2, 16, 8, 8}, {2, 48, 4, 4}, {2, 160, 2, 2}};
  const auto found = n.predict(images(cifar100, 2), n.offered_taps);
  shapes stages, before;
  for (const auto& [id, value] : found.features) {
    if (id.kind == rw::tap_kind::stage) stages.push_back(value.sizes().vec());
    if (id.kind == rw::tap_kind::before_activation) before.push_back(value.sizes().vec());
  }
  CHECK(stages == of_stages);
  CHECK(before == of_stages);
  CHECK(found.features[tap::penultimate].sizes() == at::IntArrayRef{2, 1280});
  CHECK(found.features[tap::stage<0>].min().item<double>() == 0.0);
  CHECK(found.features[tap::stage<4>].min().item<double>() < 0.0);
  for (const auto& [id, sizes] : n.tap_shapes(n.offered_taps))
    CHECK(at::IntArrayRef{sizes} == found.features[id][0].sizes());
}

TEST_CASE("positions of MobileNetV2 are those of its forward pass")
{
  // Those that a forward pass counts, where a row's first expansion has the size before the stride.
  for (const auto& [height, width] : {std::array{20, 13}, {32, 32}, {7, 33}}) {
    const rw::sample_shape shape{.channels = 1, .height = height, .width = width, .classes = 3};
    auto n = rw::make_mobilenet_v2(thin, shape);
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

TEST_CASE("MobileNetV2 agrees with a computation by hand, forward and backward")
{
  agrees_with(rw::make_mobilenet_v2(thin, small), 32);
  agrees_with(rw::make_mobilenet_v2(thin, small, rw::dorefa{}, rw::inner_bits<6>), 6);
}

TEST_CASE("initial weights of MobileNetV2 are those of its released code")
{
  const auto t = tensors_of(rw::mobilenet_v2(cifar100));
  const auto deviation = [&](const char* name) { return t.at(name).std().item<double>(); };
  CHECK(deviation("row5.1.depthwise.weight") ==
        doctest::Approx(std::sqrt(2.0 / (9 * 288))).epsilon(0.05).scale(0));
  CHECK(deviation("row7.0.project.weight") ==
        doctest::Approx(std::sqrt(2.0 / 160)).epsilon(0.02).scale(0));
  CHECK(deviation("classifier.weight") == doctest::Approx(0.01).epsilon(0.02).scale(0));
  CHECK(t.at("classifier.bias").abs().max().item<double>() == 0.0);
}

TEST_CASE("MobileNetV2 keeps the laws of bodies and students")
{
  const auto x = images(small, 3).inputs.contiguous(torch::MemoryFormat::ChannelsLast);
  rw::laws::body_holds_for(rw::make_mobilenet_v2(thin, small).body(), x, small.classes);
  rw::laws::body_holds_for(
      rw::make_mobilenet_v2(thin, small, rw::dorefa{}, rw::inner_bits<2>).body(), x, small.classes);
  rw::laws::hold_for(rw::make_mobilenet_v2(thin, small), images(small, 4));
  rw::laws::hold_for(rw::make_mobilenet_v2(thin, small, rw::dorefa{}, rw::inner_bits<4>),
                     images(small, 4));
}

TEST_CASE("MobileNetV2 trains in low bits")
{
  check_step(rw::make_mobilenet_v2(thin, small));
  check_step(rw::make_mobilenet_v2(thin, small, rw::dorefa{}, rw::inner_bits<4>));
  check_step(rw::make_mobilenet_v2(thin, small, rw::lsq{}, rw::inner_bits<4>));
  check_step(rw::make_mobilenet_v2(thin, small, rw::uniform_affine<>{}, rw::inner_bits<8>,
                                   {.fold_batch_norm = true}));
  auto low = rw::make_mobilenet_v2(thin, small);
  low.cast(torch::kBFloat16);
  const auto answer = low.forward(images(small, 4), low.offered_taps);
  CHECK((answer.logits.scalar_type() == torch::kFloat));
  for (const auto& [id, value] : answer.features) CHECK((value.scalar_type() == torch::kFloat));
}

TEST_CASE("integers and floating-point levels give the same MobileNetV2")
{
  auto n = rw::make_mobilenet_v2(thin, small, rw::lsq{}, rw::inner_bits<4>);
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

TEST_CASE("a copy of a MobileNetV2 is deep, and its state is copied by name")
{
  auto n = rw::make_mobilenet_v2(thin, small, rw::dorefa{}, rw::inner_bits<4>);
  const auto copy = n;
  const auto before = copy.predict(images(small, 4)).logits;
  {
    const torch::NoGradGuard without_graph;
    for (auto& p : n.parameters()) p.value.add_(0.5);
  }
  CHECK(torch::equal(copy.predict(images(small, 4)).logits, before));
  auto other =
      rw::make_mobilenet_v2(thin, small, rw::dorefa{}, rw::inner_bits<4>, {.seed = rw::seed{9}});
  const auto report = rw::copy_weights(n, other);
  CHECK(report.only_in_source.empty());
  CHECK(report.only_in_target.empty());
  CHECK(torch::equal(n.predict(images(small, 4)).logits, other.predict(images(small, 4)).logits));
}

TEST_CASE("MobileNetV2 has an 8-bit form")
{
  auto n = rw::make_mobilenet_v2(thin, small);
  for (int i = 0; i < 3; ++i) (void)n.forward(images(small, 16, static_cast<std::uint64_t>(i)));
  const auto examples = images(small, 8, 7);
  const auto low = rw::post_training_quantized(n, {examples});
  CHECK(low.network().layers().size() == n.layers().size());
  const auto expected = n.predict(examples, low.offered_taps);
  const auto found = low.forward(examples, low.offered_taps);
  for (const auto& [id, value] : found.features) {
    const auto& whole = expected.features[id];
    CHECK(value.sizes() == whole.sizes());
    CHECK((value - whole).norm().item<double>() < 0.1 * whole.norm().item<double>());
  }
  CHECK((found.logits - expected.logits).norm().item<double>() <
        0.1 * expected.logits.norm().item<double>());
}

TEST_CASE("MobileNetV2 refuses what it cannot be")
{
  const auto refused = [](const rw::mobilenet_v2_plan& plan, const char* text) {
    CHECK_THROWS_WITH_AS((void)rw::make_mobilenet_v2(plan, small), doctest::Contains(text),
                         std::invalid_argument);
  };
  refused({.width = 0.05}, "mobilenet_v2: want a width of at least 1/16");
  refused({.width = std::nan("")}, "want a width");
  refused({.expansion = 0}, "want an expansion, channels of the head and blocks");
  refused({.blocks = {1, 0, 1, 1, 1, 1, 1}}, "above 0, got 6, 1280 and [1, 0, 1, 1, 1, 1, 1]");
  // One bit has no room for the sign of a linear bottleneck.
  auto n = rw::make_mobilenet_v2(thin, small, rw::dorefa{}, rw::inner_bits<1, 1>);
  CHECK_THROWS_WITH_AS((void)n.predict(images(small, 2)),
                       doctest::Contains("row2.0.expand: reads signed activations"),
                       std::invalid_argument);
}
