// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Distillation of token sequences: a causal transformer, soft targets for each token, padding.
#include "support/doctest.hpp"

#include "support/resumed_run.hpp"

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/student/module_student.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/adam.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/perplexity.hpp>
#include <rolewise/train/supervised.hpp>

#include <torch/nn/cloneable.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>

using namespace rolewise;

namespace {

constexpr std::int64_t vocabulary = 11, length = 8;

// [transformer]
/// A causal language model of one attention block: logits of the next token, `[N, V, L]`.
struct tiny_transformer : torch::nn::Cloneable<tiny_transformer> {
  static constexpr taps offered_taps{tap::embedding, tap::attention<0>, tap::penultimate};

  explicit tiny_transformer(std::int64_t width) : width_{width} { reset(); }
  void reset() override
  {
    embedding_ = register_module("embedding", torch::nn::Embedding(vocabulary, width_));
    places_ = register_module("places", torch::nn::Embedding(length, width_));
    to_attention_ = register_module("to_attention", torch::nn::Linear(width_, 3 * width_));
    inner_ = register_module("inner", torch::nn::Linear(width_, width_));
    norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width_})));
    head_ = register_module("head", torch::nn::Linear(width_, vocabulary));
  }

  outputs forward_outputs(const batch& examples, taps wanted)
  {
    const auto& tokens = examples.inputs;
    const auto x = embedding_(tokens) + places_(torch::arange(tokens.size(1), tokens.options()));
    const auto parts = to_attention_(x).chunk(3, 2);
    auto hidden = torch::ones({tokens.size(1), tokens.size(1)}, torch::kBool).triu(1);
    if (examples.mask.defined()) hidden = hidden | ~examples.mask.unsqueeze(1);
    constexpr double none = -1e9;  // padding hides whole rows, whose softmax has to stay finite
    const auto attention = torch::softmax(
        (parts[0].matmul(parts[1].transpose(1, 2)) / std::sqrt(static_cast<double>(width_)))
            .masked_fill(hidden, none),
        2);
    const auto y = norm_(x + inner_(attention.matmul(parts[2])).relu());
    outputs said{.logits = head_(y).transpose(1, 2), .features = {}};
    if (wanted.contains(tap::embedding)) said.features.set(tap::embedding, x);
    if (wanted.contains(tap::attention<0>)) said.features.set(tap::attention<0>, attention);
    if (wanted.contains(tap::penultimate)) said.features.set(tap::penultimate, y);
    return said;
  }

 private:
  std::int64_t width_;
  torch::nn::Embedding embedding_{nullptr}, places_{nullptr};
  torch::nn::Linear to_attention_{nullptr}, inner_{nullptr}, head_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
};
// [/transformer]

/// Counting sequences `t, t + 1, ...` modulo the vocabulary, some of them padded; the label of a
/// token is the next one.
dataset sequences(std::int64_t count, seed key)
{
  dataset data;
  data.shape = sample_shape::tokens(length, vocabulary);
  data.name = "counting";
  data.inputs = torch::zeros({count, length}, torch::kLong);
  data.labels = torch::zeros({count, length}, torch::kLong);
  data.mask = torch::ones({count, length}, torch::kBool);
  data.ids = torch::arange(count);
  for (std::int64_t n = 0; n < count; ++n) {
    const draws of{key, 0, n};
    const auto begin = of.below(0, vocabulary), size = 3 + of.below(1, length - 2);
    for (std::int64_t i = 0; i < length; ++i) {
      data.inputs[n][i] = i < size ? (begin + i) % vocabulary : 0;
      data.labels[n][i] = i < size ? (begin + i + 1) % vocabulary : 0;
      data.mask[n][i] = i < size;
    }
  }
  return data;
}

module_student<tiny_transformer> transformer(std::int64_t width, std::uint64_t key)
{
  torch::manual_seed(key);  // LibTorch draws the module's weights
  return module_student{std::make_shared<tiny_transformer>(width),
                        sample_shape::tokens(length, vocabulary)};
}

std::uint64_t sum_of(auto step) { return state_sum(step); }

}  // namespace

TEST_CASE("a language model learns, and teaches a smaller one token by token; perplexity tells")
{
  const auto data = sequences(96, seed{1}), validation = sequences(32, seed{2});
  // [tokens]
  supervised pretraining{.student = transformer(24, 1),
                         .optimizer = adam{.learning_rate = 0.02},
                         .metric = perplexity{}};
  fit_options options{.epochs = 8, .batch_size = 16, .validation = &validation};
  options.validation_metric = perplexity{};
  const auto first = fit(pretraining, data, options);

  distillation training{
      .teacher = frozen(pretraining.student),
      .student = transformer(8, 2),
      .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{temperature{2}},
      .optimizer = adam{.learning_rate = 0.02},
      .metric = perplexity{},
  };
  const auto second = fit(training, data, options);
  // [/tokens]
  for (const auto* history : {&first, &second}) {
    const auto& begin = history->epochs.front().numbers.back();
    const auto& end = history->epochs.back().numbers.back();
    CHECK(begin.name == "perplexity");
    CHECK(end.value < begin.value);
    CHECK(end.value >= 1.0);
    CHECK(end.value < vocabulary / 2.0);  // chance is the vocabulary
  }
}

TEST_CASE("padding changes neither loss nor gradient nor metric")
{
  auto data = sequences(16, seed{3});
  auto other = data;
  other.inputs = torch::where(data.mask, data.inputs, torch::full_like(data.inputs, 5));
  other.labels = torch::where(data.mask, data.labels, torch::full_like(data.labels, 9));
  const auto run = [](const dataset& on) {
    distillation step{.teacher = frozen(transformer(16, 4)),
                      .student = transformer(8, 5),
                      .loss = cross_entropy{} + soft_target_kl{},
                      .metric = perplexity{}};
    const auto history = fit(step, on, {.epochs = 2, .batch_size = 8});
    return std::pair{sum_of(step), history.epochs.back().numbers};
  };
  const auto [sum, found] = run(data);
  const auto [other_sum, other_found] = run(other);
  CHECK(sum == other_sum);
  REQUIRE(found.size() == other_found.size());
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i].value == other_found[i].value);
}

TEST_CASE("a step on tokens goes on from a checkpoint with the same bits")
{
  testing::goes_on_with_the_same_bits(
      [] {
        return distillation{.teacher = frozen(transformer(16, 4)),
                            .student = transformer(8, 5),
                            .loss = soft_target_kl{},
                            .metric = no_metric{}};
      },
      sequences(32, seed{6}), {.epochs = 4, .batch_size = 8});
}
