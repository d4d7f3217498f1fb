// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Vision transformers, and the layers of transformers: layer norm, embedding, linear on tokens.
#include "support/doctest.hpp"

#include "laws/network_body.hpp"
#include "laws/student.hpp"
#include "support/finite_differences.hpp"
#include "support/reference_layers.hpp"

#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/similarity_preserving.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/network/integer_forward.hpp>
#include <rolewise/network/vision_transformer.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/lsq_plus.hpp>
#include <rolewise/quant/uniform_affine.hpp>
#include <rolewise/quant/xnor.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/adam.hpp>
#include <rolewise/train/distillation.hpp>

#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace rw = rolewise;
namespace tap = rw::tap;

namespace {

const rw::sample_shape small{.channels = 2, .height = 8, .width = 12, .classes = 5};

/// Two blocks on six patches.
rw::vision_transformer_plan<2> tiny()
{
  return {.name = "tiny", .patch = 4, .width = 12, .heads = 3, .mlp_ratio = 2};
}

using rw::tests::images;
using rw::tests::tensors_of;

/// The closed formula of the parameters.
std::int64_t count_of(const auto& plan, const rw::sample_shape& shape)
{
  const auto d = plan.width, r = plan.mlp_ratio;
  const auto patches = (shape.height / plan.patch) * (shape.width / plan.patch);
  const auto block = 4 * d + (3 * d + 1) * d + 2 * d  // norms; queries, keys and values
                     + (d + 1) * d + (d + 1) * r * d + (r * d + 1) * d;
  return (shape.channels * plan.patch * plan.patch + 1) * d + d + (patches + 1) * d +
         static_cast<std::int64_t>(plan.depth) * block + 2 * d + (d + 1) * shape.classes;
}

/// A reference block by explicit softmax, without the library's layers.
struct by_hand : rw::tests::reference_layers {
  std::map<std::string, torch::Tensor> features{};

  torch::Tensor norm(const torch::Tensor& x, const std::string& name) const
  {
    return torch::layer_norm(x, {x.size(-1)}, t.at(name + ".weight"), t.at(name + ".bias"), 1e-6);
  }
  torch::Tensor linear(const torch::Tensor& x, const std::string& name) const
  {
    return x.matmul(weight(name, name == "head").t()) + t.at(name + ".bias");
  }
  torch::Tensor block(const torch::Tensor& x, const std::string& name, std::int64_t heads)
  {
    const auto parts = linear(norm(x, name + ".norm1"), name + ".query_key_value").chunk(3, 2);
    const auto width = x.size(2) / heads;
    std::vector<torch::Tensor> seen, probabilities;
    for (std::int64_t h = 0; h < heads; ++h) {
      const auto of = [&](std::size_t i) { return parts[i].narrow(2, h * width, width); };
      probabilities.push_back(
          (of(0).matmul(of(1).transpose(1, 2)) / std::sqrt(static_cast<double>(width))).softmax(2));
      seen.push_back(probabilities.back().matmul(of(2)));
    }
    features[name + ".attention"] = torch::stack(probabilities, 1);
    const auto y = x + linear(torch::cat(seen, 2), name + ".projection");
    return y + linear(torch::gelu(linear(norm(y, name + ".norm2"), name + ".expansion")),
                      name + ".contraction");
  }
  torch::Tensor forward(const torch::Tensor& pixels, std::int64_t patch, std::int64_t heads)
  {
    const auto of_patches =
        torch::conv2d(pixels, weight("patch_embedding", true), t.at("patch_embedding.bias"), patch)
            .flatten(2)
            .transpose(1, 2);
    const auto n = pixels.size(0), d = of_patches.size(2);
    auto x = torch::cat({t.at("class_token.weight").expand({n, 1, d}), of_patches}, 1) +
             t.at("positions.weight");
    features["embedding"] = x;
    for (const std::string name : {"block0", "block1"}) x = features[name] = block(x, name, heads);
    features["penultimate"] = norm(x, "norm").select(1, 0);
    return linear(features["penultimate"], "head");
  }
};

std::string name_of(rw::tap_id id)
{
  if (id.kind == rw::tap_kind::attention) return "block" + std::to_string(id.index) + ".attention";
  if (id.kind == rw::tap_kind::stage) return "block" + std::to_string(id.index - 1);
  return id.kind == rw::tap_kind::embedding ? "embedding" : "penultimate";
}

/// Norms and biases that are not those of the start.
template<typename Network>
void disturb(Network& n)
{
  torch::manual_seed(7);
  const torch::NoGradGuard without_graph;
  for (auto& p : n.parameters()) p.value.add_(torch::randn_like(p.value), 0.2);
}

}  // namespace

TEST_CASE("layer norm is that of its formula, with its gradient")
{
  torch::manual_seed(1);
  rw::layer_norm norm{4, 1e-2};
  norm.cast(torch::kFloat64);
  const auto x = torch::randn({2, 3, 4}, torch::kFloat64);
  const auto mean = x.mean(-1, true);
  const auto variance = (x - mean).square().mean(-1, true);
  const auto plain = (x - mean) / (variance + 1e-2).sqrt();
  CHECK(torch::allclose(norm(x), plain, 1e-12, 1e-12));
  {
    const torch::NoGradGuard without_graph;
    rw::for_each_tensor(norm, [](const std::string&, torch::Tensor& t, rw::tensor_kind) {
      t.add_(torch::randn_like(t));
    });
  }
  std::map<std::string, torch::Tensor> t;
  rw::for_each_tensor(norm, [&](const std::string& name, torch::Tensor& value, rw::tensor_kind) {
    t[name] = value;
  });
  CHECK(torch::allclose(norm(x), plain * t.at("weight") + t.at("bias"), 1e-12, 1e-12));

  const auto along = torch::randn_like(x);
  const auto f = [&](const torch::Tensor& y) { return (norm(y) * along).sum(); };
  const auto leaf = x.clone().requires_grad_();
  f(leaf).backward();
  CHECK(torch::allclose(leaf.grad(), rw::testing::finite_differences(f, x), 1e-6, 1e-7));

  CHECK_THROWS_WITH_AS((void)norm(torch::zeros({2, 5}, torch::kFloat64)),
                       doctest::Contains("want vectors of 4 values, got [2, 5]"),
                       std::invalid_argument);
  norm.cast(torch::kBFloat16);  // at least single precision
  CHECK((norm(torch::zeros({1, 4})).scalar_type() == torch::kFloat));
}

TEST_CASE("a linear layer takes any axes before the last, with and without few bits")
{
  torch::manual_seed(2);
  const auto x = torch::randn({2, 3, 8}).abs();
  const auto agrees = [&](const auto& q, int bits) {
    const rw::planned_layer plan{{.name = "layer", .kind = rw::layer_kind::linear, .index = 1},
                                 {rw::bit_width{bits}, rw::bit_width{bits}}};
    rw::linear layer{q, plan, 8, 4, rw::weight_init{}};
    CHECK(layer.report().positions == 1);
    const auto y = layer(x, rw::phase::evaluation);
    CHECK(layer.report().positions == 3);
    const auto rows = layer(x.reshape({6, 8}), rw::phase::evaluation);
    CHECK(layer.report().positions == 1);
    CHECK(y.sizes() == torch::IntArrayRef{2, 3, 4});
    CHECK(torch::equal(y.reshape({6, 4}), rows));
  };
  agrees(rw::no_quantizer{}, 32);
  agrees(rw::dorefa{}, 4);
  agrees(rw::uniform_affine{}, 8);
}

TEST_CASE("signed inputs are quantized by quantizers of signed activations alone")
{
  static_assert(rw::quantizes_signs<rw::lsq_plus>() && rw::quantizes_signs<rw::xnor>());
  static_assert(rw::quantizes_signs<rw::uniform_affine<>>());
  static_assert(!rw::quantizes_signs<rw::dorefa>() && !rw::quantizes_signs<rw::lsq>());

  // Those that say so keep negative values: with many levels, each is near its input.
  torch::manual_seed(3);
  const auto x = torch::randn({64, 8});
  const auto is_near = [&](const auto& q) {
    auto state = q.start_activations(rw::layer_id{.name = "layer"});
    state.observe(x, rw::bit_width{8});
    CHECK((state(x, rw::bit_width{8}).values() - x).abs().max().template item<double>() < 0.1);
  };
  is_near(rw::lsq_plus{});
  is_near(rw::uniform_affine{});
  is_near(rw::uniform_affine<>{.activation_form = rw::affine_form::symmetric});

  const auto widths_of = [](const auto& q) {
    std::map<std::string, rw::layer_bits> all;
    auto n = rw::make_vision_transformer(tiny(), small, q, rw::inner_bits<4>);
    for (const auto& layer : n.layers()) all.emplace(layer.place.name, layer.widths);
    // Widths that are set later are reported the same way.
    n.set_bits(rw::inner_bits<3>);
    for (const auto& layer : n.layers()) {
      const bool is_end = layer.place.is_first() || layer.place.is_last();
      CHECK(layer.widths.weights.value() == (is_end ? 32 : 3));
      CHECK(layer.widths.activations.value() ==
            (is_end || !rw::quantizes_signs<decltype(q)>() ? 32 : 3));
    }
    return all;
  };
  const auto clipping = widths_of(rw::dorefa{});
  const auto keeping = widths_of(rw::lsq_plus{});
  for (const auto* const name :
       {"block0.query_key_value", "block1.projection", "block0.expansion", "block1.contraction"}) {
    CHECK(clipping.at(name) == rw::layer_bits{rw::bit_width{4}, rw::bit_width{32}});
    CHECK(keeping.at(name) == rw::layer_bits{rw::bit_width{4}, rw::bit_width{4}});
  }
  CHECK(clipping.at("patch_embedding") == rw::layer_bits{});
  CHECK(clipping.at("head") == rw::layer_bits{});
}

TEST_CASE("vision transformers have the parameter counts of DeiT")
{
  CHECK(rw::make_vision_transformer(tiny(), small).parameter_count() == count_of(tiny(), small));
  // Others by their plans: their first weights take long to draw without optimization.
  const rw::sample_shape imagenet{.height = 224, .width = 224, .classes = 1000};
  CHECK(count_of(rw::vit_tiny_plan(16), imagenet) == 5717416);
  CHECK(count_of(rw::vit_small_plan(16), imagenet) == 22050664);
  const rw::sample_shape cifar100{.classes = 100};
  CHECK(count_of(rw::vit_tiny_plan(), cifar100) == 5380132);
  CHECK(count_of(rw::vit_small_plan(), cifar100) == 21376996);
}

TEST_CASE("features of vision transformers have the shapes that are known before training")
{
  const auto n = rw::make_vision_transformer(tiny(), small);
  const auto found = n.tap_shapes(n.offered_taps);
  using sizes = std::vector<std::int64_t>;
  CHECK(found[tap::embedding] == sizes{7, 12});
  CHECK(found[tap::attention<0>] == sizes{3, 7, 7});
  CHECK(found[tap::attention<1>] == sizes{3, 7, 7});
  CHECK(found[tap::stage<1>] == sizes{7, 12});
  CHECK(found[tap::stage<2>] == sizes{7, 12});
  CHECK(found[tap::penultimate] == sizes{12});
  CHECK(found.size() == 6);

  const auto layers = n.layers();
  CHECK(layers.size() == 10);
  CHECK(layers.front().positions == 6);
  CHECK(layers[1].positions == 7);
  CHECK(layers[8].positions == 7);
  CHECK(layers.back().positions == 1);
  CHECK(layers.front().multiply_adds() == 6 * 2 * 16 * 12);
}

TEST_CASE("vision transformers agree with a computation by hand, forward and backward")
{
  const auto agrees = [](auto n, int bits) {
    n.cast(torch::kFloat64);
    disturb(n);
    auto examples = images(small, 3);
    examples.inputs = examples.inputs.to(torch::kFloat64);
    by_hand reference{{tensors_of(n), bits, false}};
    const auto forward = [&](const torch::Tensor& x) { return reference.forward(x, 4, 3); };
    const auto expected = forward(examples.inputs);
    const auto found = n.predict(examples, n.offered_taps);
    CHECK(torch::allclose(found.logits, expected, 1e-9, 1e-9));
    for (const auto& [id, value] : found.features)
      CHECK_MESSAGE(torch::allclose(value, reference.features.at(name_of(id)), 1e-9, 1e-9),
                    name_of(id));
    rw::tests::check_training(n, examples, forward);
  };
  agrees(rw::make_vision_transformer(tiny(), small), 32);
  // DoReFa's weights; signed inputs stay as they are.
  agrees(rw::make_vision_transformer(tiny(), small, rw::dorefa{}, rw::inner_bits<4>), 4);
}

TEST_CASE("tapped attention is what the fused kernel multiplies by")
{
  torch::manual_seed(4);
  const auto q = torch::randn({2, 3, 5, 4}), k = torch::randn_like(q), v = torch::randn_like(q);
  auto tokens = torch::ones({2, 5}, torch::kBool);
  tokens[0][4] = false;
  for (const bool is_causal : {false, true})
    for (const auto& real : {torch::Tensor{}, tokens}) {
      const auto mask = rw::detail::mask_of(real, is_causal, torch::kFloat);
      const auto probabilities = rw::detail::attention_probabilities(q, k, mask);
      CHECK(torch::allclose(probabilities.sum(-1), torch::ones({2, 3, 5})));
      CHECK(torch::allclose(rw::detail::attended(q, k, v, mask), probabilities.matmul(v), 1e-6,
                            1e-6));
      if (is_causal) CHECK(probabilities.triu(1).abs().max().item<double>() == 0.0);
      if (real.defined()) CHECK(probabilities[0].select(2, 4).abs().max().item<double>() == 0.0);
    }
}

TEST_CASE("gradients of a vision transformer are those of finite differences")
{
  const rw::sample_shape shape{.channels = 1, .height = 4, .width = 4, .classes = 3};
  auto n = rw::make_vision_transformer(
      rw::vision_transformer_plan<1>{.name = "least", .patch = 2, .width = 4, .heads = 2}, shape);
  n.cast(torch::kFloat64);
  disturb(n);
  auto examples = images(shape, 2);
  examples.inputs = examples.inputs.to(torch::kFloat64);
  const auto of = [&](const rw::outputs& found) {
    return found.logits.square().sum() + found.features[tap::attention<0>].square().sum();
  };
  const rw::taps wanted{tap::attention<0>};
  of(n.forward(examples, wanted)).backward();
  for (auto& p : n.parameters()) {
    CAPTURE(p.name);
    const auto slope = rw::testing::finite_differences(
        [&](const torch::Tensor& moved) {
          const auto before = p.value.detach().clone();
          p.value.copy_(moved);
          const auto loss = of(n.predict(examples, wanted));
          p.value.copy_(before);
          return loss;
        },
        p.value.detach());
    CHECK(torch::allclose(p.value.grad(), slope, 1e-5, 1e-6));
  }
}

TEST_CASE("vision transformers keep the laws of bodies and students")
{
  const auto x = images(small, 3).inputs.contiguous(torch::MemoryFormat::ChannelsLast);
  rw::laws::body_holds_for(rw::make_vision_transformer(tiny(), small).body(), x, small.classes);
  rw::laws::body_holds_for(
      rw::make_vision_transformer(tiny(), small, rw::dorefa{}, rw::inner_bits<2>).body(), x,
      small.classes);
  rw::laws::hold_for(rw::make_vision_transformer(tiny(), small), images(small, 4));
  rw::laws::hold_for(
      rw::make_vision_transformer(tiny(), small, rw::uniform_affine{}, rw::inner_bits<4>),
      images(small, 4));
}

TEST_CASE("a vision transformer learns by its logits, features and attention, also in few bits")
{
  const auto learns = [](auto student) {
    // [distillation]
    const auto teacher = rw::make_vision_transformer(tiny(), small, rw::no_quantizer{},
                                                     rw::full_precision{}, {.seed = rw::seed{5}});
    rw::distillation training{
        .teacher = rw::frozen(teacher),
        .student = std::move(student),
        .loss = rw::cross_entropy{} +
                0.5 * rw::similarity_preserving<tap::stage<1>, tap::attention<0>>{},
        .optimizer = rw::adam{.learning_rate = 0.01},
    };
    // [/distillation]
    const auto before = tensors_of(training.student).at("block0.expansion.weight").clone();
    (void)training(images(small, 8), rw::training_progress{});
    const auto after = tensors_of(training.student).at("block0.expansion.weight");
    CHECK_FALSE(torch::equal(after, before));
    CHECK(after.isfinite().all().template item<bool>());
  };
  learns(rw::make_vision_transformer(tiny(), small));
  learns(rw::make_vision_transformer(tiny(), small, rw::dorefa{}, rw::inner_bits<2>));
  learns(rw::make_vision_transformer(tiny(), small, rw::lsq_plus{}, rw::inner_bits<4>));
  learns(rw::make_vision_transformer(tiny(), small, rw::lsq{}, rw::inner_bits<4>));
}

TEST_CASE("integers and floating-point levels give the same vision transformer")
{
  auto n = rw::make_vision_transformer(tiny(), small, rw::uniform_affine{}, rw::inner_bits<4>);
  (void)n.forward(images(small, 4, 1));
  const auto examples = images(small, 4);
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

TEST_CASE("initial weights of a vision transformer are functions of seed and name")
{
  const auto of = [](std::uint64_t key) {
    return tensors_of(rw::make_vision_transformer(tiny(), small, rw::no_quantizer{},
                                                  rw::full_precision{}, {.seed = rw::seed{key}}));
  };
  const auto first = of(1), again = of(1), other = of(2);
  for (const auto& [name, value] : first) {
    CAPTURE(name);
    CHECK(torch::equal(value, again.at(name)));
    if (name == "patch_embedding.weight" || name == "patch_embedding.bias") continue;
    if (name.ends_with("bias")) CHECK(value.abs().max().item<double>() == 0.0);
    if (!name.ends_with(".weight") || name.find("norm") != std::string::npos) continue;
    CHECK_FALSE(torch::equal(value, other.at(name)));
    CHECK(value.abs().max().item<double>() <= 0.04);
    // A normal distribution that is truncated at two deviations has 0.8796 of the deviation.
    if (value.numel() > 200)
      CHECK(value.std().item<double>() == doctest::Approx(0.0176).epsilon(0.15).scale(0));
  }
}

TEST_CASE("vision transformers refuse what they cannot be")
{
  const auto refused = [](auto plan, const rw::sample_shape& shape, const char* words) {
    CHECK_THROWS_WITH_AS((void)rw::make_vision_transformer(plan, shape), doctest::Contains(words),
                         std::invalid_argument);
  };
  auto plan = tiny();
  plan.heads = 5;
  refused(plan, small, "a width of 12, 5 heads");
  refused(tiny(), {.height = 10}, "patches of 4 pixels and images of 10 x 32");
  auto n = rw::make_vision_transformer(tiny(), small);
  auto examples = images({.channels = 2, .height = 12, .width = 8}, 2);
  CHECK_THROWS_WITH_AS((void)n.predict(examples), doctest::Contains("got 12 x 8"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(n.cast(torch::kBFloat16), doctest::Contains("single or double precision"),
                       std::invalid_argument);
}
