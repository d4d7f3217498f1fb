// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "support/byte_quantizer.hpp"
#include "support/finite_differences.hpp"

#include <rolewise/network/convolution.hpp>
#include <rolewise/network/int8_convolution.hpp>
#include <rolewise/network/window_magnitude.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/uniform_affine.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rw = rolewise;
using rw::phase;
using rw::testing::byte_quantizer;

namespace {

rw::planned_layer plan_with(int bits)
{
  return {{"layer", rw::layer_kind::convolution, 1, 3}, {rw::bit_width{bits}, rw::bit_width{bits}}};
}

/// Depthwise, pointwise in groups, and 3x3 in groups; strides and padding rules.
std::vector<rw::convolution_shape> shapes()
{
  return {{.in = 8, .out = 8, .groups = 8},
          {.in = 6, .out = 6, .stride = 2, .groups = 6},
          {.in = 4, .out = 8, .stride = 2, .padding = rw::padding_rule::same, .groups = 4},
          {.in = 12, .out = 6, .kernel = 1, .groups = 3},
          {.in = 16, .out = 32, .groups = 2},
          {.in = 9, .out = 6, .kernel = 5, .groups = 3}};
}

template<typename Layer>
torch::Tensor weight_of(Layer& layer)
{
  torch::Tensor found;
  rw::for_each_tensor(layer, [&](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
    if (name == "weight") found = t;
  });
  return found;
}

torch::Tensor maps(const rw::convolution_shape& shape, torch::ScalarType type = torch::kFloat)
{
  return torch::rand({2, shape.in, 7, 8}, type).contiguous(torch::MemoryFormat::ChannelsLast);
}

/// The convolutions of the groups, one after another: no operator with groups takes part.
torch::Tensor group_by_group(const torch::Tensor& x, const torch::Tensor& w,
                             const rw::convolution_shape& shape)
{
  const auto over = rw::detail::geometry_of(shape, x);
  const auto padded = torch::constant_pad_nd(
      x, {over.columns.before, over.columns.after, over.rows.before, over.rows.after});
  std::vector<torch::Tensor> outputs;
  for (std::int64_t g = 0; g < shape.groups; ++g) {
    const auto in = shape.in / shape.groups, out = shape.out / shape.groups;
    outputs.push_back(
        torch::conv2d(padded.narrow(1, g * in, in), w.narrow(0, g * out, out), {}, shape.stride));
  }
  return torch::cat(outputs, 1);
}

/// An archive that reads the values of the quantized weights of a layer.
template<typename Q>
struct values_of_weights {
  torch::Tensor* to;

  void parameter(std::string_view, torch::Tensor&) {}
  void range(std::string_view, torch::Tensor&) {}
  void buffer(std::string_view, torch::Tensor&) {}
  template<rw::PlainState T>
  void value(std::string_view, T&)
  {}
  template<typename Part>
  void part(std::string_view, Part& inner)
  {
    inner.visit_state(*this);
  }
  void weights(rw::quantized_weight<Q>& of) { *to = of(phase::training)->weight.values(); }
};

}  // namespace

TEST_CASE("the channels of a convolution divide into its groups")
{
  const auto make = [](const rw::convolution_shape& shape) {
    return rw::convolution<rw::no_quantizer>{{}, plan_with(32), shape, {}};
  };
  for (const auto& shape : shapes()) {
    auto layer = make(shape);
    CHECK(weight_of(layer).sizes() ==
          at::IntArrayRef{shape.out, shape.in / shape.groups, shape.kernel, shape.kernel});
    const auto y = layer(maps(shape), phase::evaluation);
    CHECK(layer.report().weights == shape.out * shape.fan_in());
    CHECK(layer.report().multiply_adds() == y[0].numel() * shape.fan_in());
  }
  CHECK_THROWS_WITH_AS((void)make({.in = 6, .out = 4, .groups = 3}),
                       "rolewise: layer: want input and output channels in groups of equal size, "
                       "got 6 and 4 channels in 3 groups",
                       std::invalid_argument);
  CHECK_THROWS_AS((void)make({.in = 4, .out = 6, .groups = 3}), std::invalid_argument);
  CHECK_THROWS_AS((void)make({.in = 4, .out = 4, .groups = 0}), std::invalid_argument);
}

TEST_CASE("a grouped convolution is one convolution for each group")
{
  torch::manual_seed(1);
  for (const auto& shape : shapes()) {
    CAPTURE(shape.groups);
    rw::convolution<rw::no_quantizer> layer{{}, plan_with(32), shape, {}};
    layer.cast(torch::kDouble);
    auto w = weight_of(layer);
    auto x = maps(shape, torch::kDouble).set_requires_grad(true);
    const auto y = layer(x, phase::training), by_hand = group_by_group(x, w, shape);
    CHECK(torch::allclose(y, by_hand, 1e-12, 1e-12));
    const auto toward = torch::randn_like(y);
    const auto found = torch::autograd::grad({y}, {x, w}, {toward});
    const auto expected = torch::autograd::grad({by_hand}, {x, w}, {toward});
    CHECK(torch::allclose(found[0], expected[0], 1e-10, 1e-12));
    CHECK(torch::allclose(found[1], expected[1], 1e-10, 1e-12));
  }
  const rw::convolution_shape shape{.in = 4, .out = 8, .stride = 2, .groups = 4};
  rw::convolution<rw::no_quantizer> layer{{}, plan_with(32), shape, {}};
  layer.cast(torch::kDouble);
  auto w = weight_of(layer);
  const auto x = maps(shape, torch::kDouble);
  const auto loss = [&] { return layer(x, phase::training).square().sum(); };
  const auto slope = torch::autograd::grad({loss()}, {w})[0];
  const auto differences = rw::testing::finite_differences(
      [&](const torch::Tensor& moved) {
        w.detach().copy_(moved);
        return loss();
      },
      w);
  CHECK(torch::allclose(slope, differences, 1e-6, 1e-7));
}

TEST_CASE("passes of grouped convolutions in bfloat16 are near those in single precision")
{
  torch::manual_seed(2);
  for (const auto& shape : shapes()) {
    CAPTURE(shape.groups);
    rw::convolution<rw::no_quantizer> layer{{}, plan_with(32), shape, {}};
    auto w = weight_of(layer);
    auto x = maps(shape).set_requires_grad(true);
    const auto pass = [&] {
      const auto y = layer(x, phase::training);
      const auto g = torch::autograd::grad({y}, {x, w}, {torch::ones_like(y)});
      return std::vector<torch::Tensor>{y.detach(), g[0], g[1]};
    };
    const auto fine = pass();
    layer.set_precision({rw::pass_precision::bfloat16, rw::pass_precision::bfloat16});
    const auto coarse = pass();
    for (std::size_t i = 0; i < fine.size(); ++i) {
      CHECK((coarse[i].scalar_type() == torch::kFloat));
      CHECK(torch::allclose(coarse[i], fine[i], 0.03, 0.02 * fine[i].abs().max().item<double>()));
    }
  }
}

TEST_CASE("a quantized grouped convolution is that of the values of each group")
{
  torch::manual_seed(3);
  const auto check = [](const auto& q, const rw::convolution_shape& shape, int bits) {
    using Q = std::remove_cvref_t<decltype(q)>;
    rw::convolution<Q> layer{q, plan_with(bits), shape, {}};
    rw::activation<Q> input{q, plan_with(bits)};
    auto w = weight_of(layer);
    auto x = maps(shape).set_requires_grad(true);
    const auto pass = [&] {
      const auto y = layer(input.of_rectified(x, phase::training), phase::training);
      torch::manual_seed(5);
      const auto toward = torch::randn_like(y);
      const auto g = torch::autograd::grad({y}, {x, w}, {toward});
      return std::vector<torch::Tensor>{y.detach(), g[0], g[1]};
    };
    (void)pass();  // learned ranges start
    const auto found = pass();
    const auto support = rw::integer_forward_support();
    if (support.available && support.problem_of_groups.empty())
      CHECK(layer.report().arithmetic == rw::layer_arithmetic::integer);

    // The same bits without integers, and the values and gradients of the groups by hand.
    {
      const rw::without_integers reference;
      const auto floats = pass();
      CHECK(layer.report().arithmetic == rw::layer_arithmetic::switched_off);
      for (std::size_t i = 0; i < found.size(); ++i) CHECK(torch::equal(found[i], floats[i]));
    }
    rw::quantized levels;
    input.watch([&](const rw::layer_id&, rw::bit_width, const torch::Tensor&,
                    const rw::quantized& of) { levels = of; });
    (void)input.of_rectified(x, phase::training);
    torch::Tensor values_of_w;
    values_of_weights<Q> reads{&values_of_w};
    layer.visit_state(reads);
    const auto by_hand = group_by_group(levels.values(), values_of_w, shape);
    CHECK(torch::allclose(found[0], by_hand, 1e-4, 1e-5));
    torch::manual_seed(5);
    const auto g = torch::autograd::grad({by_hand}, {x, w}, {torch::randn_like(by_hand)});
    CHECK(torch::allclose(found[1], g[0], 1e-3, 1e-4));
    CHECK(torch::allclose(found[2], g[1], 1e-3, 1e-4));
  };
  int bits = 1;
  for (const auto& shape : shapes()) {
    CAPTURE(shape.groups);
    bits = bits % 4 + 2;
    check(byte_quantizer{}, shape, bits);
    check(byte_quantizer{.per_output = true, .offset = 0.25}, shape, bits);
    check(rw::dorefa{}, shape, bits);
    check(rw::lsq{}, shape, bits);
  }
  check(rw::lsq{.per_channel = true}, shapes()[0], 4);
  check(rw::uniform_affine<>{}, shapes()[2], 8);
}

TEST_CASE("levels of grouped convolutions are multiplied in bfloat16 backward")
{
  torch::manual_seed(4);
  for (const auto& shape : shapes())
    for (const bool per_output : {false, true}) {
      CAPTURE(shape.groups);
      const byte_quantizer q{.per_output = per_output, .offset = 0.25};
      rw::convolution<byte_quantizer> layer{q, plan_with(4), shape, {}};
      rw::activation<byte_quantizer> input{q, plan_with(4)};
      auto w = weight_of(layer);
      auto x = maps(shape).set_requires_grad(true);
      const auto pass = [&] {
        const auto y = layer(input.of_rectified(x, phase::training), phase::training);
        torch::manual_seed(5);
        return torch::autograd::grad({y}, {x, w}, {torch::randn_like(y)});
      };
      const auto fine = pass();
      layer.set_precision({.backward = rw::pass_precision::bfloat16});
      const auto coarse = pass();
      for (std::size_t i = 0; i < fine.size(); ++i)
        CHECK(torch::allclose(coarse[i], fine[i], 0.03, 0.02 * fine[i].abs().max().item<double>()));
    }
}

TEST_CASE("a batch norm is folded into the filters of all groups")
{
  torch::manual_seed(5);
  for (const auto& shape : shapes()) {
    CAPTURE(shape.groups);
    rw::convolution<rw::uniform_affine<>> layer{{}, plan_with(8), shape, {}};
    rw::convolution<rw::no_quantizer> full{{}, plan_with(32), shape, {}};
    rw::activation<rw::uniform_affine<>> input{{}, plan_with(8)};
    rw::batch_norm norm{shape.out, {.folded = true}}, apart{shape.out};
    for (auto* const each : {&norm, &apart})
      rw::for_each_tensor(*each, [](const std::string&, torch::Tensor& t, rw::tensor_kind) {
        torch::manual_seed(6);
        const torch::NoGradGuard without_graph;
        t.add_(torch::rand_like(t));
      });
    const auto x = maps(shape);
    for (const auto when : {phase::training, phase::evaluation}) {
      const auto got = layer.normalized(input.of_rectified(x, when), norm, when).taken().detach();
      const auto wanted = full.normalized(x, apart, when).taken().detach();
      CHECK((got - wanted).abs().max().item<double>() < 0.02 * wanted.abs().max().item<double>());
    }
  }
}

TEST_CASE("initial weights of grouped convolutions know their fans")
{
  // Fan-in counts the channels of a group; fan-out the output channels of all groups.
  const rw::convolution_shape shape{.in = 1024, .out = 1024, .bias = true, .groups = 256};
  const auto deviation = [&](rw::conv_init how) {
    rw::convolution<rw::no_quantizer> layer{{}, plan_with(32), shape, {.convolution = how}};
    return weight_of(layer).std().item<double>();
  };
  CHECK(deviation(rw::conv_init::kaiming_normal_fan_out) ==
        doctest::Approx(std::sqrt(2.0 / (9 * 1024))).epsilon(0.02).scale(0));
  const double bound = 1.0 / std::sqrt(9.0 * 4);
  CHECK(deviation(rw::conv_init::uniform_fan_in) ==
        doctest::Approx(bound / std::sqrt(3.0)).epsilon(0.02).scale(0));
  rw::convolution<rw::no_quantizer> layer{
      {}, plan_with(32), shape, {.convolution = rw::conv_init::uniform_fan_in}};
  rw::for_each_tensor(layer, [&](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
    if (name == "bias")
      CHECK(t.abs().max().item<double>() == doctest::Approx(bound).epsilon(0.02).scale(0));
  });
}

TEST_CASE("grouped convolutions from bytes to bytes")
{
  torch::manual_seed(6);
  for (const auto& shape : shapes()) {
    CAPTURE(shape.groups);
    const auto w = torch::randn({shape.out, shape.in_of_group(), shape.kernel, shape.kernel});
    const auto x = maps(shape) * 2 - 0.5;
    const rw::detail::folded_convolution trained{"layer", w, torch::randn(shape.out), shape};
    const auto wanted = trained(x, true, nullptr);
    const auto in = rw::byte_grid::over(-0.5, 1.5);
    const auto out = rw::byte_grid::over(0.0, wanted.max().item<double>());
    rw::int8_convolution layer{trained, in, out};
    const auto bytes = rw::byte_map::of(x, in);
    const auto got = layer(bytes, true, nullptr).values();
    const auto error = [&](const torch::Tensor& of) {
      return (of - wanted).abs().max().item<double>() / wanted.max().item<double>();
    };
    CHECK(error(got) < 0.03);
    const rw::without_integers reference;
    const auto floats = layer(bytes, true, nullptr).values();
    CHECK((got - floats).abs().max().item<double>() <= out.scale * 1.001);
  }
}

TEST_CASE("the magnitude under windows is not that of groups")
{
  CHECK_THROWS_WITH_AS(
      (void)rw::window_magnitude(torch::ones({1, 4, 3, 3}), {.in = 4, .out = 4, .groups = 2}),
      "rolewise: window_magnitude: want a convolution without groups, which have magnitudes of "
      "their own, got 2 groups",
      std::invalid_argument);
}
