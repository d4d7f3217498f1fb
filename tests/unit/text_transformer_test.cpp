// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Text transformers: a classifier and a causal language model, with padding.
#include "support/doctest.hpp"

#include "laws/network_body.hpp"
#include "laws/student.hpp"
#include "support/finite_differences.hpp"
#include "support/reference_layers.hpp"

#include <rolewise/data/dataset.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/similarity_preserving.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/network/text_transformer.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq_plus.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/adam.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/perplexity.hpp>

#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace rw = rolewise;
namespace tap = rw::tap;

namespace {

constexpr std::int64_t vocabulary = 11, longest = 7;
constexpr auto sentences = rw::sample_shape::tokens(longest, 3);
constexpr auto language = rw::sample_shape::tokens(longest, vocabulary);

using rw::tests::tensors_of;
using classifier_plan = rw::text_transformer_plan<2>;
using language_plan = rw::text_transformer_plan<2, rw::text_form::language_model>;

template<typename Plan>
Plan tiny()
{
  return {.vocabulary = vocabulary, .width = 12, .heads = 3, .mlp_ratio = 2};
}

template<typename Plan>
constexpr bool is_causal = Plan::form == rw::text_form::language_model;

/// A network with norms and biases that are not those of the start.
template<typename Plan>
auto disturbed(const rw::sample_shape& shape)
{
  auto n = rw::make_text_transformer(tiny<Plan>(), shape);
  n.cast(torch::kFloat64);
  torch::manual_seed(7);
  const torch::NoGradGuard without_graph;
  for (auto& p : n.parameters()) p.value.add_(torch::randn_like(p.value), 0.2);
  return n;
}

/// Sequences of 5 tokens, the last of which are padding.
rw::batch sequences(std::int64_t count, const rw::sample_shape& shape)
{
  rw::batch examples;
  const auto place = torch::arange(count * 5, torch::kLong);
  examples.inputs = (place * place + 3).remainder(vocabulary).view({count, 5});
  examples.labels = shape.classes == vocabulary
                        ? (examples.inputs + 1).remainder(vocabulary)
                        : torch::arange(count, torch::kLong).remainder(shape.classes);
  examples.ids = torch::arange(count);
  examples.mask = torch::arange(5).lt(2 + torch::arange(count).remainder(4).unsqueeze(1));
  return examples;
}

/// A reference network by explicit softmax, without the library's layers.
struct by_hand : rw::tests::reference_layers {
  std::map<std::string, torch::Tensor> features{};

  torch::Tensor norm(const torch::Tensor& x, const std::string& name) const
  {
    return torch::layer_norm(x, {x.size(-1)}, t.at(name + ".weight"), t.at(name + ".bias"), 1e-5);
  }
  torch::Tensor linear(const torch::Tensor& x, const std::string& name) const
  {
    return x.matmul(t.at(name + ".weight").t()) + t.at(name + ".bias");
  }
  torch::Tensor block(const torch::Tensor& x, const std::string& name, const torch::Tensor& hidden)
  {
    const auto parts = linear(norm(x, name + ".norm1"), name + ".query_key_value").chunk(3, 2);
    const auto split = [&](std::size_t i) {  // [N, heads, L, D / heads]
      return torch::stack(parts[i].chunk(3, 2), 1);
    };
    const auto scores = split(0).matmul(split(1).transpose(2, 3)) / 2.0;  // sqrt(12 / 3)
    const auto probabilities =
        scores.masked_fill(hidden, -std::numeric_limits<double>::infinity()).softmax(3);
    features[name + ".attention"] = probabilities;
    const auto seen = probabilities.matmul(split(2)).unbind(1);
    const auto y = x + linear(torch::cat(seen, 2), name + ".projection");
    return y + linear(torch::gelu(linear(norm(y, name + ".norm2"), name + ".expansion")),
                      name + ".contraction");
  }
  torch::Tensor forward(const rw::batch& examples, bool causal)
  {
    const auto length = examples.inputs.size(1);
    auto hidden = examples.mask.logical_not().unsqueeze(1).unsqueeze(1);
    if (causal) hidden = hidden | torch::ones({length, length}, torch::kBool).triu(1);
    auto x = t.at("embedding.weight").index({examples.inputs * examples.mask}) +
             t.at("positions.weight").narrow(0, 0, length);
    features["embedding"] = x;
    for (const std::string name : {"block0", "block1"}) x = features[name] = block(x, name, hidden);
    x = norm(x, "norm");
    if (!causal) {
      const auto weights = examples.mask.unsqueeze(2).to(x.scalar_type());
      x = (x * weights).sum(1) / weights.sum(1);
    }
    features["penultimate"] = x;
    const auto logits = linear(x, "head");
    return causal ? logits.transpose(1, 2) : logits;
  }
};

std::string name_of(rw::tap_id id)
{
  if (id.kind == rw::tap_kind::attention) return "block" + std::to_string(id.index) + ".attention";
  if (id.kind == rw::tap_kind::stage) return "block" + std::to_string(id.index - 1);
  return id.kind == rw::tap_kind::embedding ? "embedding" : "penultimate";
}

/// Logits of the tokens that are none of padding, in a classifier all.
torch::Tensor of_tokens(const torch::Tensor& logits, const torch::Tensor& mask)
{
  if (logits.dim() == 2) return logits;
  return logits.narrow(2, 0, mask.size(1)).transpose(1, 2).index({mask});
}

}  // namespace

TEST_CASE("text transformers have the parameters of their formula, and the shapes of their taps")
{
  const auto count = [](std::int64_t classes) {
    constexpr std::int64_t d = 12, r = 2;
    constexpr auto block =
        4 * d + (3 * d + 1) * d + 2 * d + (d + 1) * d + (d + 1) * r * d + (r * d + 1) * d;
    return (vocabulary + longest) * d + 2 * block + 2 * d + (d + 1) * classes;
  };
  const auto classifier = rw::make_text_transformer(tiny<classifier_plan>(), sentences);
  const auto model = rw::make_text_transformer(tiny<language_plan>(), language);
  CHECK(classifier.parameter_count() == count(3));
  CHECK(model.parameter_count() == count(vocabulary));

  using sizes = std::vector<std::int64_t>;
  const auto of_classifier = classifier.tap_shapes(classifier.offered_taps);
  CHECK(of_classifier.size() == 6);
  CHECK(of_classifier[tap::embedding] == sizes{7, 12});
  CHECK(of_classifier[tap::attention<1>] == sizes{3, 7, 7});
  CHECK(of_classifier[tap::stage<2>] == sizes{7, 12});
  CHECK(of_classifier[tap::penultimate] == sizes{12});
  CHECK(model.tap_shapes({tap::penultimate})[tap::penultimate] == sizes{7, 12});

  for (const auto& layer : classifier.layers())
    CHECK(layer.positions == (layer.place.is_last() ? 1 : 7));
  for (const auto& layer : model.layers()) CHECK(layer.positions == 7);
}

TEST_CASE_TEMPLATE("text transformers agree with a computation by hand, forward and backward", plan,
                   classifier_plan, language_plan)
{
  const auto& shape = is_causal<plan> ? language : sentences;
  auto n = disturbed<plan>(shape);
  auto examples = sequences(4, shape);
  by_hand reference{{tensors_of(n), 32, false}};
  const auto expected = reference.forward(examples, is_causal<plan>);
  const auto found = n.predict(examples, n.offered_taps);
  CHECK(torch::allclose(found.logits, expected, 1e-9, 1e-9));
  for (const auto& [id, value] : found.features)
    CHECK_MESSAGE(torch::allclose(value, reference.features.at(name_of(id)), 1e-9, 1e-9),
                  name_of(id));
  rw::tests::check_training(n, examples, [&](const torch::Tensor&) {
    return reference.forward(examples, is_causal<plan>);
  });
}

TEST_CASE_TEMPLATE("padding does not influence the logits of tokens", plan, classifier_plan,
                   language_plan)
{
  const auto& shape = is_causal<plan> ? language : sentences;
  const auto n = disturbed<plan>(shape);
  const auto examples = sequences(4, shape);
  const auto expected = of_tokens(n.predict(examples).logits, examples.mask);

  auto longer = examples;
  longer.inputs = torch::constant_pad_nd(examples.inputs, {0, 2}, 4);
  longer.mask = torch::constant_pad_nd(examples.mask, {0, 2}, 0);
  CHECK(torch::allclose(of_tokens(n.predict(longer).logits, examples.mask), expected, 1e-9, 1e-9));

  auto other = examples;  // any index, also none of the vocabulary
  other.inputs =
      torch::where(examples.mask, examples.inputs, torch::full_like(examples.inputs, -1));
  CHECK(torch::equal(of_tokens(n.predict(other).logits, examples.mask), expected));

  // A sequence alone, without padding, gives what it gives among others.
  auto alone = examples;
  alone.inputs = examples.inputs.narrow(0, 0, 1).narrow(1, 0, 2);
  alone.mask = torch::Tensor{};
  const auto first = of_tokens(n.predict(alone).logits, torch::ones({1, 2}, torch::kBool));
  CHECK(torch::allclose(first, expected.narrow(0, 0, first.size(0)), 1e-9, 1e-9));

  // Nothing but padding gives finite logits and gradients.
  auto empty = examples;
  empty.mask = torch::zeros_like(examples.mask);
  auto copy = n;
  const auto logits = copy.forward(empty).logits;
  CHECK(logits.isfinite().all().template item<bool>());
  logits.square().sum().backward();
  for (const auto& p : copy.parameters())
    CHECK_MESSAGE(p.value.grad().isfinite().all().template item<bool>(), p.name);
}

TEST_CASE("a later token does not change earlier logits of a language model")
{
  const auto n = disturbed<language_plan>(language);
  for (const bool has_mask : {false, true}) {
    auto examples = sequences(4, language);
    examples.mask = has_mask ? torch::ones_like(examples.mask) : torch::Tensor{};
    const auto before = n.predict(examples).logits;
    examples.inputs = examples.inputs.clone();
    examples.inputs.select(1, 3).add_(1).remainder_(vocabulary);
    const auto after = n.predict(examples).logits;
    CHECK(torch::allclose(before.narrow(2, 0, 3), after.narrow(2, 0, 3), 1e-12, 1e-12));
    CHECK_FALSE(torch::allclose(before.narrow(2, 3, 2), after.narrow(2, 3, 2), 1e-3, 1e-3));
  }
  // In a classifier every token sees all others.
  const auto classifier = disturbed<classifier_plan>(sentences);
  auto examples = sequences(1, sentences);
  examples.mask = torch::Tensor{};
  const auto found = classifier.predict(examples, {tap::attention<0>}).features[tap::attention<0>];
  CHECK(found.min().item<double>() > 0.0);
}

TEST_CASE("gradients of a text transformer are those of finite differences")
{
  auto n = rw::make_text_transformer(
      rw::text_transformer_plan<1>{.vocabulary = 4, .width = 4, .heads = 2, .mlp_ratio = 1},
      rw::sample_shape::tokens(3, 2));
  n.cast(torch::kFloat64);
  torch::manual_seed(7);
  {
    const torch::NoGradGuard without_graph;
    for (auto& p : n.parameters()) p.value.add_(torch::randn_like(p.value), 0.2);
  }
  rw::batch examples;
  examples.inputs = torch::tensor({{0, 2, 1}, {3, 1, 0}}, torch::kLong);
  examples.mask = torch::tensor({{true, true, true}, {true, true, false}}, torch::kBool);
  examples.ids = torch::arange(2);
  n.forward(examples).logits.square().sum().backward();
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
        p.value.detach());
    CHECK(torch::allclose(p.value.grad(), slope, 1e-5, 1e-6));
  }
}

TEST_CASE("text transformers keep the laws of bodies and students")
{
  const auto classifier = rw::make_text_transformer(tiny<classifier_plan>(), sentences);
  rw::laws::body_holds_for(classifier.body(), sequences(3, sentences), 3);
  rw::laws::hold_for(classifier, sequences(4, sentences));
  const auto model = rw::make_text_transformer(tiny<language_plan>(), language);
  rw::laws::body_holds_for(model.body(), sequences(3, language), vocabulary);
  rw::laws::hold_for(model, sequences(4, language));
  rw::laws::body_holds_for(
      rw::make_text_transformer(tiny<language_plan>(), language, rw::dorefa{}, rw::inner_bits<2>)
          .body(),
      sequences(3, language), vocabulary);
}

TEST_CASE("a language model teaches a smaller one in few bits")
{
  rw::dataset data;
  data.shape = language;
  data.name = "counting";
  data.inputs = (torch::arange(32).unsqueeze(1) + torch::arange(longest)).remainder(vocabulary);
  data.labels = (data.inputs + 1).remainder(vocabulary);
  data.ids = torch::arange(32);
  const auto learns = [&](auto student) {
    // [distillation]
    const rw::text_transformer_plan<2, rw::text_form::language_model> plan{
        .vocabulary = vocabulary, .width = 24, .heads = 4};
    const auto teacher = rw::make_text_transformer(plan, data.shape);
    rw::distillation training{
        .teacher = rw::frozen(teacher),
        .student = std::move(student),
        .loss = rw::cross_entropy{} + 0.1 * rw::soft_target_kl{} +
                rw::similarity_preserving<tap::stage<1>, tap::attention<0>>{},
        .optimizer = rw::adam{.learning_rate = 0.02},
        .metric = rw::perplexity{},
    };
    const auto history = rw::fit(training, data, {.epochs = 6, .batch_size = 16});
    // [/distillation]
    CHECK(history.epochs.back().numbers.back().name == "perplexity");
    CHECK(history.epochs.back().numbers.back().value < history.epochs.front().numbers.back().value);
  };
  learns(rw::make_text_transformer(tiny<language_plan>(), language));
  learns(
      rw::make_text_transformer(tiny<language_plan>(), language, rw::dorefa{}, rw::inner_bits<4>));
  learns(rw::make_text_transformer(tiny<language_plan>(), language, rw::lsq_plus{},
                                   rw::inner_bits<4>));
}

TEST_CASE("text transformers refuse what they cannot read")
{
  const auto n = rw::make_text_transformer(tiny<classifier_plan>(), sentences);
  const auto refused = [&](rw::batch examples, const char* words) {
    CHECK_THROWS_WITH_AS((void)n.predict(examples), doctest::Contains(words),
                         std::invalid_argument);
  };
  auto examples = sequences(2, sentences);
  examples.inputs = torch::zeros({2, 5});
  refused(examples, "of int64, got [2, 5] of Float");
  refused({}, "got an undefined tensor");
  examples.inputs = torch::zeros({2, 8}, torch::kLong);
  refused(examples, "up to 7 tokens, got 8");
  examples.inputs = torch::zeros({2, 4}, torch::kLong);
  refused(examples, "a mask of bool and of the shape [2, 4]");
  const auto cannot_be = [](const auto& plan, const rw::sample_shape& shape, const char* words) {
    CHECK_THROWS_WITH_AS((void)rw::make_text_transformer(plan, shape), doctest::Contains(words),
                         std::invalid_argument);
  };
  cannot_be(classifier_plan{}, sentences, "a vocabulary of at least one token");
  cannot_be(tiny<classifier_plan>(), rw::sample_shape{}, "sample_shape::tokens");
  cannot_be(tiny<language_plan>(), sentences, "got 3 classes and a vocabulary of 11");
}
