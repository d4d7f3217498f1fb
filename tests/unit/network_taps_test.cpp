// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/network_body.hpp"
#include "laws/student.hpp"

#include <rolewise/network/resnet.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/uniform_affine.hpp>
#include <rolewise/teacher/post_training_quantized.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace rw = rolewise;
namespace tap = rw::tap;
using rw::phase;

namespace {

const rw::sample_shape small{.channels = 1, .height = 12, .width = 10, .classes = 5};

rw::batch images(std::int64_t count, std::uint64_t seed = 0)
{
  torch::manual_seed(seed);
  return {torch::randn({count, 1, 12, 10}),
          torch::zeros(count, torch::kLong),
          torch::arange(count),
          {}};
}

/// A body that reads token indices `[N, L]` and their mask itself: the mean of the embeddings.
struct mean_of_tokens {
  static constexpr rw::taps offered_taps{tap::embedding, tap::penultimate};

  torch::Tensor embedding = torch::randn({11, 6}).set_requires_grad(true);
  torch::Tensor classifier = torch::randn({3, 6}).set_requires_grad(true);

  rw::outputs forward(const rw::batch& examples, phase, rw::taps wanted) const
  {
    rw::outputs result;
    const auto x = at::embedding(embedding, examples.inputs);
    const auto mask = examples.mask.defined() ? examples.mask.unsqueeze(-1).to(torch::kFloat)
                                              : torch::ones_like(x.narrow(-1, 0, 1));
    const auto mean = (x * mask).sum(1) / mask.sum(1);
    if (wanted.contains(tap::embedding)) result.features.set(tap::embedding, x);
    if (wanted.contains(tap::penultimate)) result.features.set(tap::penultimate, mean);
    result.logits = at::linear(mean, classifier);
    return result;
  }
  std::vector<rw::layer_report> layers() const
  {
    return {{{"classifier", rw::layer_kind::linear, 0, 1}, {}, classifier.numel()}};
  }
  std::string name() const { return "mean_of_tokens"; }
  rw::sample_shape shape() const { return rw::sample_shape::tokens(7, 3); }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("embedding.weight", embedding);
    archive.parameter("classifier.weight", classifier);
  }
};
static_assert(rw::NetworkBody<mean_of_tokens>);

struct shapeless : mean_of_tokens {
  int shape() const = delete;
};

rw::batch sentences()
{
  torch::manual_seed(3);
  rw::batch examples{torch::randint(0, 11, {4, 5}, torch::kLong),
                     torch::zeros(4, torch::kLong),
                     torch::arange(4),
                     {}};
  examples.mask = torch::ones({4, 5}, torch::kBool);
  examples.mask[2][3] = false;
  examples.mask[2][4] = false;
  return examples;
}

/// Every tap gives a gradient to the inputs, and those behind the stem to its weights.
template<typename Network>
void check_gradients(Network n)
{
  auto examples = images(4);
  examples.inputs.set_requires_grad(true);
  n.offered_taps.for_each([&](rw::tap_id id) {
    CAPTURE(rw::tap_name{id}.view());
    auto copy = n;
    const auto features = copy.forward(examples, {id}).features;
    REQUIRE(features.available() == rw::taps{id});
    const auto direction = torch::randn_like(features[id]);
    const auto found = torch::autograd::grad({(features[id] * direction).sum()},
                                             {examples.inputs, copy.parameters().front().value});
    for (const auto& each : found) CHECK(each.abs().max().template item<double>() > 0.0);
  });
}

/// Asking for taps changes neither logits nor their gradients, beyond the order of sums.
template<typename Network>
void check_wanting(const Network& n)
{
  const auto step = [&](rw::taps wanted) {
    auto copy = n;
    const auto answer = copy.forward(images(4), wanted);
    std::vector<torch::Tensor> all{answer.logits.detach()};
    answer.logits.square().sum().backward();
    for (const auto& p : copy.parameters())
      if (p.value.grad().defined()) all.push_back(p.value.grad());
    for (const auto& b : copy.buffers()) all.push_back(b.value);
    return all;
  };
  const auto without = step({}), with = step(n.offered_taps);
  REQUIRE(without.size() == with.size());
  CHECK(torch::equal(without[0], with[0]));
  for (std::size_t i = 0; i < with.size(); ++i)
    CHECK((with[i] - without[i]).norm().template item<double>() <=
          1e-5 * without[i].norm().template item<double>());
}

/// `stage` is the rectified `before_activation` in a residual network.
template<typename Network>
void check_rectified(Network n)
{
  const auto features = n.forward(images(4), n.offered_taps).features;
  for (const auto& [id, value] : features) {
    if (id.kind != rw::tap_kind::before_activation) continue;
    CAPTURE(rw::tap_name{id}.view());
    CHECK(value.min().template item<double>() < 0.0);
    CHECK(torch::equal(value.relu(), features[{rw::tap_kind::stage, id.index}]));
  }
}

/// The shapes are those of a forward pass, and asking for them leaves no trace.
template<typename Network>
void check_shapes(Network n)
{
  const auto before = rw::laws::state_of(n);
  const auto arithmetic = n.layers();
  const auto shapes = n.tap_shapes(n.offered_taps);
  CHECK(rw::laws::same_state(rw::laws::state_of(n), before));
  for (std::size_t i = 0; i < arithmetic.size(); ++i)
    CHECK(n.layers()[i].arithmetic == arithmetic[i].arithmetic);
  CHECK(shapes.available() == n.offered_taps);
  CHECK(n.tap_shapes({tap::penultimate}).available() == rw::taps{tap::penultimate});
  CHECK(n.tap_shapes({}).empty());
  const auto answer = n.predict(images(3), n.offered_taps);
  for (const auto& [id, value] : answer.features) CHECK(shapes[id] == value.sizes().slice(1).vec());
}

}  // namespace

TEST_CASE("every tap of a network has a gradient, and no cost for the logits")
{
  const auto check = [](const auto& n) {
    check_gradients(n);
    check_wanting(n);
  };
  check(rw::resnet8(small));
  check(rw::resnet8(small, rw::dorefa{}, rw::inner_bits<3>));
  check(rw::resnet14(small, rw::lsq{}, rw::inner_bits<3>));
  check(rw::wide_resnet(10, 2, small));
  check(rw::wide_resnet(16, 1, small, rw::dorefa{}, rw::inner_bits<3>));
  check(rw::wide_resnet(10, 1, small, rw::uniform_affine<>{}, rw::inner_bits<4>));
}

TEST_CASE("features before the last activation are the sums that ReLU makes the stage of")
{
  check_rectified(rw::resnet14(small));
  check_rectified(rw::resnet14(small, rw::dorefa{}, rw::inner_bits<3>));
  check_rectified(rw::role_kd_resnet8(small, rw::lsq{}, rw::inner_bits<3>));
}

TEST_CASE("a wide residual network offers the batch norm that follows each sum")
{
  auto n = rw::wide_resnet(16, 1, small);
  const auto features = n.forward(images(4), n.offered_taps).features;
  const auto normalize = [](const torch::Tensor& x) {
    return (x - x.mean({0, 2, 3}, true)) / (x.var({0, 2, 3}, false, true) + 1e-5).sqrt();
  };
  for (const auto& [id, value] : features)
    if (id.kind == rw::tap_kind::before_activation)
      CHECK(
          torch::allclose(value, normalize(features[{rw::tap_kind::stage, id.index}]), 1e-4, 1e-5));
  CHECK(torch::allclose(features[tap::before_activation<3>].relu().mean({2, 3}),
                        features[tap::penultimate], 1e-5, 1e-6));
}

TEST_CASE("the shapes of features are known before training")
{
  const auto shapes = rw::role_kd_resnet8({}).tap_shapes({tap::stage<2>, tap::penultimate});
  CHECK(shapes[tap::stage<2>] == std::vector<std::int64_t>{128, 16, 16});
  CHECK(shapes[tap::penultimate] == std::vector<std::int64_t>{512});
  check_shapes(rw::resnet8(small));
  check_shapes(rw::resnet8(small, rw::dorefa{}, rw::inner_bits<3>));
  check_shapes(rw::resnet8(small, rw::lsq{}, rw::inner_bits<3>));
  check_shapes(rw::resnet8(small, rw::uniform_affine<>{}, rw::inner_bits<4>));
  check_shapes(rw::wide_resnet(10, 1, small, rw::lsq{}, rw::inner_bits<3>));
  auto low = rw::resnet8(small);
  low.cast(torch::kBFloat16);
  check_shapes(low);
  const auto bytes = rw::post_training_quantized(rw::wide_resnet(10, 1, small), {images(8)});
  CHECK(bytes.network().tap_shapes({tap::stage<3>})[tap::stage<3>] ==
        std::vector<std::int64_t>{64, 3, 3});
}

TEST_CASE("features that a network does not offer are refused by name")
{
  auto n = rw::resnet8(small);
  const rw::taps wanted{tap::stage<2>, tap::stage<4>, tap::attention<1>};
  CHECK_THROWS_WITH_AS((void)n.forward(images(2), wanted),
                       doctest::Contains("resnet8: want the features tap::stage<4>, "
                                         "tap::attention<1>, the network offers tap::stage<0>"),
                       std::invalid_argument);
  CHECK_THROWS_AS((void)n.predict(images(2), wanted), std::invalid_argument);
  CHECK_THROWS_AS((void)n.tap_shapes(wanted), std::invalid_argument);
  const auto bytes = rw::post_training_quantized(rw::resnet8(small), {images(8)});
  CHECK_THROWS_AS((void)bytes.network().predict(images(2), {tap::before_activation<1>}),
                  std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)rw::network{shapeless{}}.tap_shapes({tap::penultimate}),
                       doctest::Contains("give it sample_shape shape() const"),
                       std::invalid_argument);
}

TEST_CASE("a body may read tokens and their mask from the batch")
{
  const auto examples = sentences();
  auto n = rw::network{mean_of_tokens{}};
  CHECK(n.predict(examples).logits.sizes() == at::IntArrayRef{4, 3});
  auto other = examples;
  other.inputs = examples.inputs.clone();
  other.inputs[2][4] = (examples.inputs[2][4].item<std::int64_t>() + 1) % 11;
  CHECK(torch::equal(n.predict(examples).logits, n.predict(other).logits));
  other.mask = torch::Tensor{};
  CHECK_FALSE(torch::equal(n.predict(examples).logits, n.predict(other).logits));
  CHECK(n.tap_shapes(n.offered_taps)[tap::embedding] == std::vector<std::int64_t>{7, 6});
  rw::laws::body_holds_for(n.body(), examples, 3);
  rw::laws::hold_for(n, examples);
}
