// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/network_body.hpp"
#include "laws/student.hpp"
#include "support/reference_layers.hpp"
#include "support/sanitized.hpp"

#include <rolewise/network/imagenet_resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/teacher/post_training_quantized.hpp>

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace rw = rolewise;
namespace tap = rw::tap;

namespace {

const rw::sample_shape cifar100{.classes = 100};
const rw::sample_shape imagenet{.height = 224, .width = 224, .classes = 1000};
const rw::sample_shape small{.channels = 1, .height = 12, .width = 10, .classes = 5};
const rw::sample_shape odd{.channels = 2, .height = 37, .width = 30, .classes = 5};

using rw::tests::images;
using rw::tests::tensors_of;

constexpr auto pooled = rw::residual_stem::pooled;

/// Networks of few channels, whose stages differ in their blocks.
const rw::residual_plan<3> basic{
    .name = "basic", .stem = 6, .widths = {6, 8, 10}, .blocks = {1, 2, 1}, .first_layers = pooled};
const rw::residual_plan<3, rw::residual_form::bottleneck> narrow{
    .name = "narrow", .stem = 6, .widths = {12, 16, 24}, .blocks = {2, 1, 2}};

template<typename Plan>
Plan with_pooling(Plan plan)
{
  plan.first_layers = pooled;
  return plan;
}

/// A reference residual network with post-activation blocks, written without the library's layers.
struct by_hand : rw::tests::reference_layers {
  bool is_pooled = false, is_bottleneck = false;
  std::vector<std::int64_t> blocks{};
  std::map<std::string, torch::Tensor> features{};

  torch::Tensor norm(const torch::Tensor& x, const std::string& name) const
  {
    return torch::batch_norm(x, t.at(name + ".weight"), t.at(name + ".bias"),
                             t.at(name + ".running_mean").clone(),
                             t.at(name + ".running_variance").clone(), training, 0.1, 1e-5, false);
  }
  torch::Tensor block(const torch::Tensor& x, const std::string& b, int stride) const
  {
    const auto in = quantize(x);
    torch::Tensor y;
    if (is_bottleneck) {
      y = norm(torch::conv2d(in, weight(b + "convolution1")), b + "batch_norm1").relu();
      y = norm(torch::conv2d(quantize(y), weight(b + "convolution2"), {}, stride, 1),
               b + "batch_norm2")
              .relu();
      y = norm(torch::conv2d(quantize(y), weight(b + "convolution3")), b + "batch_norm3");
    } else {
      y = norm(torch::conv2d(in, weight(b + "convolution1"), {}, stride, 1), b + "batch_norm1");
      y = norm(torch::conv2d(quantize(y.relu()), weight(b + "convolution2"), {}, 1, 1),
               b + "batch_norm2");
    }
    if (!t.contains(b + "shortcut.weight")) return y + in;
    return y +
           norm(torch::conv2d(in, weight(b + "shortcut"), {}, stride), b + "shortcut_batch_norm");
  }
  torch::Tensor forward(torch::Tensor x)
  {
    const auto step = is_pooled ? 2 : 1, margin = is_pooled ? 3 : 1;
    x = norm(torch::conv2d(x, weight("stem", true), {}, step, margin), "stem_batch_norm");
    features["before0"] = x;
    x = features["stage0"] = x.relu();
    if (is_pooled) x = torch::max_pool2d(x, 3, 2, 1);
    for (std::size_t s = 0; s < blocks.size(); ++s) {
      const auto number = std::to_string(s + 1);
      for (std::int64_t b = 0; b < blocks[s]; ++b) {
        x = features["before" + number] =
            block(x, "stage" + number + "." + std::to_string(b) + ".", s > 0 && b == 0 ? 2 : 1);
        x = features["stage" + number] = x.relu();
      }
    }
    x = features["pooled"] = x.mean({2, 3});
    return torch::linear(x, t.at("classifier.weight"), t.at("classifier.bias"));
  }
};

/// Outputs, features and gradients in double precision against the reference.
template<typename Network>
void agrees_with(Network n, int bits, const rw::sample_shape& shape)
{
  const auto plan = n.body().plan();
  n.cast(torch::kFloat64);
  torch::manual_seed(7);
  rw::for_each_tensor(n, [](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
    const torch::NoGradGuard without_graph;
    if (name.find("batch_norm") != std::string::npos) t.add_(torch::rand_like(t));
  });
  auto examples = images(shape, 4);
  examples.inputs = examples.inputs.to(torch::kFloat64);

  by_hand reference{{tensors_of(n), bits, false},
                    plan.first_layers == pooled,
                    plan.form == rw::residual_form::bottleneck,
                    {plan.blocks.begin(), plan.blocks.end()}};
  const auto expected = reference.forward(examples.inputs);
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
                            [&](const torch::Tensor& x) { return reference.forward(x); });
}

/// The parameters of a network from its plan, and of its layers without drawn weights.
template<typename Plan>
std::int64_t parameters_of(const Plan& plan, std::int64_t classes)
{
  const bool is_bottleneck = Plan::form == rw::residual_form::bottleneck;
  const auto layer = [](std::int64_t in, std::int64_t out, std::int64_t kernel) {
    return (in * kernel * kernel + 2) * out;  // and batch norm
  };
  auto in = plan.stem;
  auto count = layer(3, in, plan.first_layers == pooled ? 7 : 3);
  for (std::size_t s = 0; s < plan.stages; ++s)
    for (std::int64_t b = 0; b < plan.blocks[s]; ++b) {
      const auto out = plan.widths[s];
      if (in != out || (s > 0 && b == 0)) count += layer(in, out, 1);
      if (is_bottleneck)
        count += layer(in, out / 4, 1) + layer(out / 4, out / 4, 3) + layer(out / 4, out, 1);
      else
        count += layer(in, out, 3) + layer(out, out, 3);
      in = out;
    }
  return count + (in + 1) * classes;
}

/// One step of gradient descent changes the loss.
template<typename Network>
void check_step(Network n, const rw::sample_shape& shape)
{
  const auto examples = images(shape, 6);
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

/// The positions that are known before a forward pass are those of one.
template<typename Network>
void check_positions(Network n, const rw::sample_shape& shape)
{
  const auto known = n.layers();
  std::vector<rw::layer_report> seen;
  (void)n.predict(images(shape, 1));
  rw::for_each_part(n, [&](const std::string&, const auto& part) {
    if constexpr (requires { seen.push_back(part.report()); }) seen.push_back(part.report());
  });
  REQUIRE(known.size() == seen.size());
  for (std::size_t i = 0; i < known.size(); ++i) {
    CAPTURE(known[i].place.name);
    CHECK(known[i].place.name == seen[i].place.name);
    CHECK(known[i].positions == seen[i].positions);
  }
}

}  // namespace

TEST_CASE("ResNets of four stages have the parameter counts of RepDistiller and torchvision")
{
  CHECK(parameters_of(rw::cifar_resnet_plan(18), 100) == 11220132);
  CHECK(parameters_of(rw::cifar_resnet_plan(34), 100) == 21328292);
  CHECK(parameters_of(rw::cifar_bottleneck_plan(50), 100) == 23705252);
  CHECK(parameters_of(rw::imagenet_resnet_plan(18), 1000) == 11689512);
  CHECK(parameters_of(rw::imagenet_resnet_plan(34), 1000) == 21797672);
  CHECK(parameters_of(rw::imagenet_bottleneck_plan(50), 1000) == 25557032);
  CHECK(parameters_of(rw::imagenet_bottleneck_plan(101), 1000) == 44549160);
  CHECK(parameters_of(rw::imagenet_bottleneck_plan(152), 1000) == 60192808);
  CHECK(rw::make_residual_network(basic, cifar100).parameter_count() == parameters_of(basic, 100));
  CHECK(rw::make_residual_network(narrow, cifar100).parameter_count() ==
        parameters_of(narrow, 100));
  if (rw::tests::sanitized) return;  // millions of weights to draw
  CHECK(rw::imagenet_resnet18(imagenet).parameter_count() == 11689512);
  CHECK(rw::cifar_resnet50(cifar100).parameter_count() == 23705252);
}

TEST_CASE("ResNets for ImageNet have their multiply-adds and the shapes of their stages" *
          doctest::skip(rw::tests::sanitized))
{
  const auto multiply_adds = [](const auto& n) {
    std::int64_t all = 0;
    for (const auto& layer : n.layers()) all += layer.multiply_adds();
    return all;
  };
  const auto n = rw::imagenet_resnet18(imagenet);
  CHECK(n.name() == "imagenet_resnet18");
  CHECK(n.layers().size() == 21);
  CHECK(multiply_adds(n) == 1814073344);
  const auto shapes = n.tap_shapes(n.offered_taps);
  using sizes = std::vector<std::int64_t>;
  CHECK(shapes[tap::stage<0>] == sizes{64, 112, 112});
  CHECK(shapes[tap::before_activation<0>] == sizes{64, 112, 112});
  CHECK(shapes[tap::stage<1>] == sizes{64, 56, 56});
  CHECK(shapes[tap::stage<2>] == sizes{128, 28, 28});
  CHECK(shapes[tap::stage<3>] == sizes{256, 14, 14});
  CHECK(shapes[tap::stage<4>] == sizes{512, 7, 7});
  CHECK(shapes[tap::penultimate] == sizes{512});

  const auto deep = rw::cifar_resnet50(cifar100);
  CHECK(deep.layers().size() == 54);
  const auto of_deep = deep.tap_shapes({tap::stage<0>, tap::stage<1>, tap::stage<4>});
  CHECK(of_deep[tap::stage<0>] == sizes{64, 32, 32});
  CHECK(of_deep[tap::stage<1>] == sizes{256, 32, 32});
  CHECK(of_deep[tap::stage<4>] == sizes{2048, 4, 4});
}

TEST_CASE("positions of ResNets are those of a forward pass, for odd sizes too")
{
  check_positions(rw::make_residual_network(basic, odd), odd);
  check_positions(rw::make_residual_network(narrow, odd), odd);
  check_positions(rw::make_residual_network(with_pooling(narrow), odd), odd);
}

TEST_CASE("ResNets of four stages agree with a computation by hand, forward and backward")
{
  agrees_with(rw::make_residual_network(basic, odd), 32, odd);
  agrees_with(rw::make_residual_network(narrow, small), 32, small);
  agrees_with(rw::make_residual_network(with_pooling(narrow), odd), 32, odd);
  agrees_with(rw::make_residual_network(narrow, small, rw::dorefa{}, rw::inner_bits<2>), 2, small);
  // With few bits sums would tie, and rounding would decide which of them max pooling takes.
  agrees_with(rw::make_residual_network(basic, odd, rw::dorefa{}, rw::inner_bits<8>), 8, odd);
  agrees_with(rw::make_residual_network(with_pooling(narrow), odd, rw::dorefa{}, rw::inner_bits<8>),
              8, odd);
}

TEST_CASE("plans of ResNets take one number of blocks or one for each stage")
{
  const rw::blocks_of_stages<4> each{3, 4, 6, 3}, same = 2;
  CHECK(std::vector(each.begin(), each.end()) == std::vector<std::int64_t>{3, 4, 6, 3});
  CHECK(std::vector(same.begin(), same.end()) == std::vector<std::int64_t>{2, 2, 2, 2});
  static_assert(!std::is_constructible_v<rw::blocks_of_stages<4>, int, int, int>);
  static_assert(!std::is_constructible_v<rw::blocks_of_stages<4>, int, int, int, int, int>);

  const auto says = [](auto plan, const char* words) {
    CHECK_THROWS_WITH_AS((void)rw::make_residual_network(plan, small), doctest::Contains(words),
                         std::invalid_argument);
  };
  auto none = basic;
  none.blocks = {1, 0, 1};
  says(none, "basic: want channels and blocks above 0 in each stage, got [1, 0, 1] blocks");
  auto uneven = narrow;
  uneven.widths = {12, 18, 24};
  says(uneven, "narrow: want multiples of 4 as the channels of stages of bottlenecks");
  auto same_padding = basic;
  same_padding.padding = rw::padding_rule::same;
  says(same_padding, "want residual_stem::pooled with symmetric padding");
  says(rw::residual_plan<2, rw::residual_form::pre_activation>{.name = "pre",
                                                               .first_layers = pooled},
       "got pre-activation");
  CHECK_THROWS_WITH_AS((void)rw::imagenet_resnet_plan(50),
                       doctest::Contains("want a depth of 18 or 34, or of 50, 101 or 152"),
                       std::invalid_argument);
  CHECK_THROWS_AS((void)rw::cifar_bottleneck_plan(34), std::invalid_argument);
}

TEST_CASE("ResNets with bottlenecks or a pooled stem keep the laws of bodies and students")
{
  const auto check = [](const auto& n, const rw::sample_shape& shape) {
    const auto x = images(shape, 3).inputs.contiguous(torch::MemoryFormat::ChannelsLast);
    rw::laws::body_holds_for(n.body(), x, shape.classes);
    rw::laws::hold_for(n, images(shape, 4));
  };
  check(rw::make_residual_network(basic, odd), odd);
  check(rw::make_residual_network(basic, odd, rw::dorefa{}, rw::inner_bits<2>), odd);
  check(rw::make_residual_network(narrow, small), small);
  check(rw::make_residual_network(with_pooling(narrow), odd, rw::dorefa{}, rw::inner_bits<3>), odd);
}

TEST_CASE("ResNets with bottlenecks or a pooled stem train in low bits and in bfloat16")
{
  check_step(rw::make_residual_network(with_pooling(narrow), odd), odd);
  check_step(rw::make_residual_network(narrow, small, rw::dorefa{}, rw::inner_bits<4>), small);
  check_step(rw::make_residual_network(basic, odd, rw::lsq{}, rw::inner_bits<3>), odd);
  auto low = rw::make_residual_network(with_pooling(narrow), odd);
  low.cast(torch::kBFloat16);
  const auto answer = low.forward(images(odd, 4), low.offered_taps);
  CHECK((answer.logits.scalar_type() == torch::kFloat));
  for (const auto& [id, value] : answer.features) CHECK((value.scalar_type() == torch::kFloat));
}

TEST_CASE("ResNets with bottlenecks or a pooled stem have an 8-bit form")
{
  const auto check = [](auto n) {
    torch::manual_seed(7);
    rw::for_each_tensor(n, [](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
      const torch::NoGradGuard without_graph;
      if (name.find("batch_norm") != std::string::npos) t.add_(torch::rand_like(t));
    });
    const torch::NoGradGuard without_graph;
    const auto teacher = rw::post_training_quantized(n, {images(odd, 32, 1)});
    const auto examples = images(odd, 16, 2);
    constexpr auto all = rw::offered_taps<decltype(teacher.network())>();
    const auto full = n.predict(examples, all), found = teacher.forward(examples, all);
    const auto distance = [](const torch::Tensor& a, const torch::Tensor& b) {
      return ((a - b).norm() / b.norm()).template item<double>();
    };
    CHECK(distance(found.logits, full.logits) < 0.1);
    for (const auto& [id, f] : full.features) {
      CAPTURE(rw::tap_name{id}.view());
      REQUIRE(found.features[id].sizes() == f.sizes());
      CHECK(distance(found.features[id], f) < 0.1);
    }
    rw::laws::body_holds_for(teacher.network().body(), examples.inputs, odd.classes);
  };
  check(rw::make_residual_network(basic, odd));
  auto wider = with_pooling(narrow);
  wider.widths = {32, 48, 64};
  wider.blocks = 1;
  check(rw::make_residual_network(wider, odd));
}

TEST_CASE("max pooling of bytes takes the windows of max pooling of numbers")
{
  torch::manual_seed(3);
  const auto codes = torch::randint(0, 256, {2, 3, 9, 12}, torch::kByte)
                         .contiguous(torch::MemoryFormat::ChannelsLast);
  const rw::byte_grid grid{.scale = 1.0, .zero = 7};
  for (const rw::detail::max_pooling& by : {rw::detail::max_pooling{},
                                            {.kernel = 3, .stride = 2, .padding = 1},
                                            {.kernel = 3, .stride = 3},
                                            {.kernel = 2, .stride = 1, .padding = 1}}) {
    const auto expected = by(codes.to(torch::kFloat));
    CHECK(torch::equal(by(rw::byte_map{codes, grid}).codes.to(torch::kFloat), expected));
  }
  const rw::byte_map thin{codes.narrow(2, 0, 1), grid};
  CHECK_THROWS_WITH_AS((void)rw::detail::max_pooling{}(thin),
                       doctest::Contains("want maps of at least 2 x 2 pixels, got 1 x 12"),
                       std::invalid_argument);
  CHECK(rw::detail::max_pooling{3, 2, 1}(thin).codes.size(2) == 1);
}
