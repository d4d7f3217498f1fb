// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// LeNet-5: parameters, values, laws.
#include "support/doctest.hpp"

#include "laws/network_body.hpp"
#include "laws/student.hpp"
#include "support/reference_layers.hpp"

#include <rolewise/network/lenet.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace rw = rolewise;
namespace tap = rw::tap;

namespace {

const rw::sample_shape digits{.channels = 1, .height = 32, .width = 32, .classes = 10};
const rw::sample_shape small{.channels = 2, .height = 19, .width = 16, .classes = 3};
const rw::lenet_plan thin{.name = "thin", .channels = {3, 5}, .hidden = {7, 6}};

using rw::tests::images;
using rw::tests::tensors_of;

/// A reference network, written without the library's layers.
struct by_hand : rw::tests::reference_layers {
  std::map<std::string, torch::Tensor> features{};

  torch::Tensor forward(torch::Tensor x)
  {
    const auto with_bias = [&](const std::string& name, const torch::Tensor& in, bool is_first) {
      return torch::conv2d(in, weight(name, is_first), t.at(name + ".bias")).relu();
    };
    features["stage0"] = with_bias("convolution1", x, true);
    features["stage1"] =
        with_bias("convolution2", quantize(torch::max_pool2d(features["stage0"], 2)), false);
    x = torch::max_pool2d(features["stage1"], 2).flatten(1);
    x = torch::linear(quantize(x), weight("hidden1"), t.at("hidden1.bias")).relu();
    x = torch::linear(quantize(x), weight("hidden2"), t.at("hidden2.bias")).relu();
    features["penultimate"] = x;
    return torch::linear(x, t.at("classifier.weight"), t.at("classifier.bias"));
  }
};

/// Outputs, features and gradients in double precision against the reference.
template<typename Network>
void agrees_with(Network n, int bits)
{
  n.cast(torch::kFloat64);
  auto examples = images(small, 4);
  examples.inputs = examples.inputs.to(torch::kFloat64);
  by_hand reference{{tensors_of(n), bits, false}};
  const auto expected = reference.forward(examples.inputs);
  const auto found = n.predict(examples, n.offered_taps);
  CHECK(torch::allclose(found.logits, expected, 1e-9, 1e-9));
  CHECK(torch::allclose(found.features[tap::stage<0>], reference.features.at("stage0")));
  CHECK(torch::allclose(found.features[tap::stage<1>], reference.features.at("stage1")));
  CHECK(torch::allclose(found.features[tap::penultimate], reference.features.at("penultimate")));
  rw::tests::check_training(n, examples,
                            [&](const torch::Tensor& x) { return reference.forward(x); });
}

}  // namespace

TEST_CASE("LeNet-5 has its number of parameters")
{
  const auto n = rw::lenet5(digits);
  CHECK(n.parameter_count() == 61706);
  CHECK(n.name() == "lenet5");
  CHECK(n.layers().size() == 5);
  CHECK(n.layers()[0].positions == 28 * 28);
  CHECK(n.layers()[1].positions == 10 * 10);
  CHECK(n.layers()[2].positions == 1);
  CHECK(n.tap_shapes({tap::stage<1>})[tap::stage<1>] == std::vector<std::int64_t>{16, 10, 10});
  CHECK(n.tap_shapes({tap::penultimate})[tap::penultimate] == std::vector<std::int64_t>{84});
  CHECK(rw::lenet5(rw::sample_shape{.classes = 100}).parameter_count() == 69656);
  CHECK(rw::lenet5({.channels = 1, .height = 32, .width = 32, .classes = 100}).parameter_count() ==
        61706 + 90 * 85);
}

TEST_CASE("LeNet agrees with a computation by hand, forward and backward")
{
  agrees_with(rw::make_lenet(thin, small), 32);
  agrees_with(rw::make_lenet(thin, small, rw::dorefa{}, rw::inner_bits<8>), 8);
}

TEST_CASE("LeNet keeps the laws of bodies and students")
{
  const auto x = images(small, 3).inputs;
  rw::laws::body_holds_for(rw::make_lenet(thin, small).body(), x, small.classes);
  rw::laws::body_holds_for(rw::make_lenet(thin, small, rw::dorefa{}, rw::inner_bits<2>).body(), x,
                           small.classes);
  rw::laws::hold_for(rw::make_lenet(thin, small), images(small, 4));
  rw::laws::hold_for(rw::make_lenet(thin, small, rw::dorefa{}, rw::inner_bits<2>),
                     images(small, 4));
  auto low = rw::make_lenet(thin, small);
  low.cast(torch::kBFloat16);
  CHECK((low.forward(images(small, 4)).logits.scalar_type() == torch::kFloat));
}

TEST_CASE("LeNet refuses what does not fit, in words")
{
  CHECK_THROWS_WITH_AS((void)rw::lenet5({.channels = 1, .height = 32, .width = 15, .classes = 2}),
                       "rolewise: lenet5: want images of at least 16 x 16 pixels, got 32 x 15",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)rw::make_lenet({.name = "none", .channels = {0, 1}}, digits),
                       "rolewise: none: want channels and hidden widths above 0, got [0, 1] and "
                       "[120, 84]",
                       std::invalid_argument);
  const auto n = rw::lenet5(digits);
  CHECK_THROWS_WITH_AS((void)n.predict(images({.channels = 1, .height = 28, .width = 28}, 2)),
                       "rolewise: lenet5: want images of 32 x 32 pixels, for its hidden layers, "
                       "got 28 x 28",
                       std::invalid_argument);
  rw::residual_plan<3, rw::residual_form::pre_activation> plan{.name = "shrinking",
                                                               .padding = rw::padding_rule::none};
  CHECK_THROWS_WITH_AS((void)rw::make_residual_network(plan, digits),
                       "rolewise: shrinking: want padding that keeps the size of a map, for "
                       "shortcuts around convolutions, got padding_rule::none",
                       std::invalid_argument);
}
