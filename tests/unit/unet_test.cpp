// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/network_body.hpp"
#include "laws/student.hpp"
#include "support/finite_differences.hpp"
#include "support/reference_layers.hpp"

#include <rolewise/loss/attention_transfer.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/network/unet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/adam.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/mean_iou.hpp>

#include <torch/types.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;
namespace tap = rw::tap;

namespace {

const rw::sample_shape small{.channels = 2, .height = 12, .width = 8, .classes = 3};

const rw::unet_plan<3> tiny{.name = "tiny", .widths = {4, 6, 8}};

using rw::tests::images;
using rw::tests::tensors_of;

/// The closed formula of the parameters.
template<std::size_t Levels>
std::int64_t count_of(const rw::unet_plan<Levels>& plan, const rw::sample_shape& shape)
{
  const auto block = [](std::int64_t in, std::int64_t out) {
    return 9 * in * out + 9 * out * out + 4 * out;
  };
  std::int64_t count = 0, in = shape.channels;
  for (const auto width : plan.widths) count += block(std::exchange(in, width), width);
  for (std::size_t k = Levels - 1; k-- > 0;) {
    const auto out = plan.widths[k];
    count += 4 * plan.widths[k + 1] * out + out + block(2 * out, out);
  }
  return count + (plan.widths.front() + 1) * shape.classes;
}

/// A reference U-Net, written without the library's layers.
struct by_hand : rw::tests::reference_layers {
  std::vector<torch::Tensor> sums{};  ///< of the blocks, before their last ReLU

  torch::Tensor half(const torch::Tensor& x, const std::string& block, const std::string& number,
                     bool is_first = false)
  {
    const auto norm = block + ".batch_norm" + number + ".";
    const auto y = torch::conv2d(x, weight(block + ".convolution" + number, is_first), {}, 1, 1);
    return torch::batch_norm(y, t.at(norm + "weight"), t.at(norm + "bias"),
                             t.at(norm + "running_mean").clone(),
                             t.at(norm + "running_variance").clone(), training, 0.1, 1e-5, false);
  }
  torch::Tensor block(const torch::Tensor& x, const std::string& name, bool is_first = false)
  {
    const auto y = half(is_first ? x : quantize(x), name, "1", is_first).relu();
    sums.push_back(half(quantize(y), name, "2"));
    return sums.back().relu();
  }
  /// By LibTorch's transposed convolution, with weights `[I, O, 2, 2]`.
  torch::Tensor up(const torch::Tensor& x, const std::string& name)
  {
    const auto w = weight(name + ".convolution");  // [4 O, I, 1, 1]
    const auto transposed = w.view({-1, 2, 2, w.size(1)}).permute({3, 0, 1, 2});
    return torch::conv_transpose2d(quantize(x), transposed, t.at(name + ".bias"), 2).relu();
  }
  torch::Tensor forward(torch::Tensor x)
  {
    sums.clear();
    const auto first = block(x, "contracting0", true);
    const auto second = block(torch::max_pool2d(first, 2), "contracting1");
    x = block(torch::max_pool2d(second, 2), "contracting2");
    x = block(torch::cat({second, up(x, "upsampling0")}, 1), "expanding0");
    x = block(torch::cat({first, up(x, "upsampling1")}, 1), "expanding1");
    return torch::conv2d(x, t.at("head.weight"), t.at("head.bias"));
  }
};

/// Batch norms and biases that are not those of the start.
template<typename Network>
void disturb(Network& n)
{
  torch::manual_seed(7);
  rw::for_each_tensor(n, [](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
    const torch::NoGradGuard without_graph;
    if (name.find("batch_norm") != std::string::npos || name.ends_with("bias"))
      t.add_(torch::rand_like(t));
  });
}

}  // namespace

TEST_CASE("U-Nets have the parameters of their formula")
{
  CHECK(rw::make_unet(tiny, small).parameter_count() == count_of(tiny, small));
  // That of the widespread implementation milesial/Pytorch-UNet.
  CHECK(count_of(rw::unet_plan<>{}, {.classes = 2}) == 31037698);
}

TEST_CASE("features of U-Nets are the blocks of each level")
{
  const auto n = rw::make_unet(tiny, small);
  const auto found = n.tap_shapes(n.offered_taps);
  using sizes = std::vector<std::int64_t>;
  const std::vector<sizes> expected{{4, 12, 8}, {6, 6, 4}, {8, 3, 2}, {6, 6, 4}, {4, 12, 8}};
  CHECK(found.size() == 10);
  for (std::uint8_t k = 1; k <= 5; ++k) {
    CHECK(found[rw::tap_id{rw::tap_kind::stage, k}] == expected[k - 1]);
    CHECK(found[rw::tap_id{rw::tap_kind::before_activation, k}] == expected[k - 1]);
  }
  std::map<std::string, std::int64_t> positions;
  for (const auto& layer : n.layers()) positions[layer.place.name] = layer.positions.value();
  CHECK(positions.size() == 13);
  CHECK(positions.at("contracting0.convolution2") == 96);
  CHECK(positions.at("contracting2.convolution1") == 6);
  CHECK(positions.at("upsampling0.convolution") == 6);
  CHECK(positions.at("expanding0.convolution1") == 24);
  CHECK(positions.at("upsampling1.convolution") == 24);
  CHECK(positions.at("expanding1.convolution2") == 96);
  CHECK(positions.at("head") == 96);
}

TEST_CASE("U-Nets agree with a computation by hand, forward and backward")
{
  const auto agrees = [](auto n, int bits) {
    n.cast(torch::kFloat64);
    disturb(n);
    auto examples = images(small, 3);
    examples.inputs = examples.inputs.to(torch::kFloat64);
    by_hand reference{{tensors_of(n), bits, false}};
    const auto expected = reference.forward(examples.inputs);
    const auto found = n.predict(examples, n.offered_taps);
    CHECK(found.logits.sizes() == torch::IntArrayRef{3, 3, 12, 8});
    CHECK(torch::allclose(found.logits, expected, 1e-9, 1e-9));
    for (const auto& [id, value] : found.features) {
      CAPTURE(rw::tap_name{id}.view());
      const auto& sum = reference.sums.at(id.index - std::size_t{1});
      CHECK(torch::allclose(value, id.kind == rw::tap_kind::stage ? sum.relu() : sum, 1e-9, 1e-9));
    }
    reference.training = true;
    rw::tests::check_training(n, examples,
                              [&](const torch::Tensor& x) { return reference.forward(x); });
  };
  agrees(rw::make_unet(tiny, small), 32);
  agrees(rw::make_unet(tiny, small, rw::dorefa{}, rw::inner_bits<8>), 8);
}

TEST_CASE("gradients of a U-Net are those of finite differences")
{
  const rw::sample_shape shape{.channels = 1, .height = 4, .width = 4, .classes = 2};
  auto n = rw::make_unet(rw::unet_plan<2>{.widths = {2, 3}}, shape);
  n.cast(torch::kFloat64);
  disturb(n);
  auto examples = images(shape, 2);
  examples.inputs = examples.inputs.to(torch::kFloat64);
  n.predict(examples).logits.square().sum().backward();
  for (auto& p : n.parameters()) {
    CAPTURE(p.name);
    const auto slope = rw::testing::finite_differences(
        [&](const torch::Tensor& moved) {
          const auto before = p.value.detach().clone();
          p.value.copy_(moved);
          const auto loss = n.predict(examples).logits.square().sum();
          p.value.copy_(before);
          return loss;
        },
        p.value.detach(), 1e-6);
    CHECK(torch::allclose(p.value.grad(), slope, 1e-5, 1e-5));
  }
}

TEST_CASE("U-Nets keep the laws of bodies and students")
{
  const auto x = images(small, 3).inputs.contiguous(torch::MemoryFormat::ChannelsLast);
  rw::laws::body_holds_for(rw::make_unet(tiny, small).body(), x, small.classes);
  rw::laws::body_holds_for(rw::make_unet(tiny, small, rw::lsq{}, rw::inner_bits<2>).body(), x,
                           small.classes);
  rw::laws::hold_for(rw::make_unet(tiny, small), images(small, 4));
  rw::laws::hold_for(rw::make_unet(tiny, small, rw::dorefa{}, rw::inner_bits<2>), images(small, 4));
}

TEST_CASE("a U-Net learns by its pixels and features, also in few bits, and takes other sizes")
{
  auto examples = images(small, 4);
  examples.labels = examples.inputs.argmax(1);  // [N, H, W]
  const auto learns = [&](auto student) {
    // [distillation]
    const auto teacher = rw::make_unet(rw::unet_plan<3>{.widths = {6, 8, 10}}, small);
    rw::distillation training{
        .teacher = rw::frozen(teacher),
        .student = std::move(student),
        .loss = rw::cross_entropy{} + 0.5 * rw::soft_target_kl{} +
                rw::attention_transfer<tap::stage<3>, tap::stage<5>>{},
        .optimizer = rw::adam{.learning_rate = 0.01},
        .metric = rw::mean_iou{},
    };
    // [/distillation]
    const auto before = tensors_of(training.student).at("upsampling0.convolution.weight").clone();
    (void)training(examples, rw::training_progress{});
    const auto after = tensors_of(training.student).at("upsampling0.convolution.weight");
    CHECK_FALSE(torch::equal(after, before));
    CHECK(after.isfinite().all().template item<bool>());
    const auto larger = images({.channels = 2, .height = 16, .width = 20}, 2);
    CHECK(training.student.predict(larger).logits.sizes() == torch::IntArrayRef{2, 3, 16, 20});
  };
  learns(rw::make_unet(tiny, small));
  learns(rw::make_unet(tiny, small, rw::dorefa{}, rw::inner_bits<2>));
  learns(rw::make_unet(tiny, small, rw::lsq{}, rw::inner_bits<3>));

  auto low = rw::make_unet(tiny, small);
  low.cast(torch::kBFloat16);
  const auto answer = low.forward(images(small, 4), low.offered_taps);
  CHECK((answer.logits.scalar_type() == torch::kFloat));
  CHECK((tensors_of(low).at("upsampling0.bias").scalar_type() == torch::kFloat));
}

TEST_CASE("initial weights of U-Nets have the deviation of their inputs")
{
  const auto t = tensors_of(rw::make_unet(rw::unet_plan<2>{.widths = {32, 16}}, small));
  const auto& w = t.at("contracting1.convolution1.weight");  // [16, 32, 3, 3]
  const auto deviation = std::sqrt(2.0 / (9.0 * 32.0));
  CHECK(w.std().item<double>() == doctest::Approx(deviation).epsilon(0.06).scale(0));
  CHECK(t.at("upsampling0.convolution.weight").std().item<double>() ==
        doctest::Approx(std::sqrt(2.0 / 16.0)).epsilon(0.1).scale(0));
}

TEST_CASE("U-Nets refuse what they cannot be")
{
  CHECK_THROWS_WITH_AS((void)rw::make_unet(tiny, {.height = 10}),
                       doctest::Contains("multiples of 4, which are halved 2 times, got 10 x 32"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)rw::make_unet(rw::unet_plan<2>{.widths = {4, 0}}, small),
                       doctest::Contains("channels above 0 on each level, got [4, 0]"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)rw::make_unet(tiny, small).predict(images({.channels = 2, .height = 8, .width = 6}, 1)),
      doctest::Contains("got 8 x 6: pad them"), std::invalid_argument);
}
