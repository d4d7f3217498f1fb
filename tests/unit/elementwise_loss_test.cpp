// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/finite_differences.hpp"

#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/targets.hpp>

#include <torch/nn/functional/loss.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>

using namespace rolewise;

namespace {

constexpr std::int64_t ignored = -100;

torch::Tensor value_of(const auto& loss, const torch::Tensor& teacher, const torch::Tensor& student,
                       const targets& targets)
{
  return loss(paired_outputs{{teacher, {}}, {student, {}}}, targets);
}

/// Losses of each element alone, as logits `[M, C]` and labels `[M]`.
torch::Tensor rows_of(const torch::Tensor& logits)
{
  return logits.movedim(1, -1).reshape({-1, logits.size(1)});
}

void check_equal(const torch::Tensor& a, const torch::Tensor& b)
{
  CHECK(torch::allclose(a, b, 1e-12, 1e-14));
}

}  // namespace

TEST_CASE("cross entropy of pixels and tokens is the mean over all of them")
{
  torch::manual_seed(0);
  for (const auto& shape : {std::vector<std::int64_t>{3, 5, 4}, {3, 5, 4, 6}}) {
    const auto logits = torch::randn(shape, torch::kDouble);
    auto elements = shape;
    elements.erase(elements.begin() + 1);
    const auto hard = torch::randint(5, elements, torch::kLong);
    const auto soft = torch::softmax(torch::randn(shape, torch::kDouble), 1);
    for (const double smoothing : {0.0, 0.1}) {
      const cross_entropy loss{.smoothing = fraction{smoothing}};
      check_equal(value_of(loss, {}, logits, {hard, {}, {}}),
                  value_of(loss, {}, rows_of(logits), {hard.flatten(), {}, {}}));
      check_equal(value_of(loss, {}, logits, {soft, {}, {}}),
                  value_of(loss, {}, rows_of(logits), {rows_of(soft), {}, {}}));
    }
  }
}

TEST_CASE("ignored labels do not count in cross entropy, as in LibTorch")
{
  torch::manual_seed(1);
  const auto logits = torch::randn({3, 5, 4}, torch::kDouble);
  auto labels = torch::randint(5, {3, 4}, torch::kLong);
  labels[0][1] = labels[2][3] = labels[2][0] = ignored;
  namespace F = torch::nn::functional;
  const auto expected =
      F::cross_entropy(logits, labels, F::CrossEntropyFuncOptions{}.ignore_index(ignored));
  check_equal(value_of(cross_entropy{}, {}, logits, {labels, {}, {}}), expected);

  // Another ignore index, and labels of whole examples.
  auto by_example = torch::tensor({1, 255, 4}, torch::kLong);
  const targets targets{.labels = by_example, .ids = {}, .progress = {}, .ignore_index = 255};
  const auto rows = torch::randn({3, 5}, torch::kDouble);
  const auto kept = torch::tensor({0, 2}, torch::kLong);
  check_equal(value_of(cross_entropy{}, {}, rows, targets),
              value_of(cross_entropy{}, {}, rows.index_select(0, kept),
                       {by_example.index_select(0, kept), {}, {}}));
}

TEST_CASE("if all labels are ignored, cross entropy and its gradient are 0")
{
  const auto logits = torch::randn({3, 5, 4}, torch::kDouble).set_requires_grad(true);
  const auto labels = torch::full({3, 4}, ignored, torch::kLong);
  const auto loss = value_of(cross_entropy{}, {}, logits, {labels, {}, {}});
  CHECK(loss.item<double>() == 0.0);
  loss.backward();
  CHECK(torch::equal(logits.grad(), torch::zeros_like(logits)));
}

TEST_CASE("weights give the weighted mean, by example or by element")
{
  torch::manual_seed(2);
  const auto teacher = torch::randn({3, 5, 4}, torch::kDouble),
             student = torch::randn({3, 5, 4}, torch::kDouble);
  auto labels = torch::randint(5, {3, 4}, torch::kLong);
  labels[1][2] = ignored;
  const auto by_element = torch::rand({3, 4}, torch::kDouble);
  const auto by_example = torch::rand({3}, torch::kDouble);
  const auto expected = [&](const torch::Tensor& values, const torch::Tensor& weights) {
    return (values * weights).sum() / weights.sum();
  };

  const auto nll =
      -torch::log_softmax(student, 1).gather(1, labels.clamp_min(0).unsqueeze(1)).squeeze(1);
  const auto counted = labels.ne(ignored).to(torch::kDouble);
  check_equal(value_of(cross_entropy{}, {}, student, {labels, {}, {}, by_element}),
              expected(nll, by_element * counted));
  check_equal(value_of(cross_entropy{}, {}, student, {labels, {}, {}, by_example}),
              expected(nll, by_example.unsqueeze(1) * counted));

  // A loss against the teacher counts what has no label.
  const auto p = torch::softmax(teacher / 4, 1);
  const auto kl = 16 * (p * (p.log() - torch::log_softmax(student / 4, 1))).sum(1);
  check_equal(value_of(soft_target_kl{}, teacher, student, {labels, {}, {}, by_element}),
              expected(kl, by_element));
  check_equal(value_of(soft_target_kl{}, teacher, student, {labels, {}, {}}), kl.mean());
  check_equal(value_of(soft_target_kl{.reduction = kl_reduction::element_mean}, teacher, student,
                       {labels, {}, {}, by_example}),
              expected(kl, by_example.unsqueeze(1).expand({3, 4})) / 5);

  // Equal weights are no weights.
  const auto twos = torch::full({3, 4}, 2.0, torch::kDouble);
  check_equal(value_of(soft_target_kl{}, teacher, student, {labels, {}, {}, twos}), kl.mean());
}

TEST_CASE("what has weight 0 reaches neither value nor gradient")
{
  torch::manual_seed(3);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  auto student = torch::randn({2, 5, 3}, torch::kDouble);
  student[1].select(1, 2) = infinity;  // padding
  const auto teacher = torch::randn({2, 5, 3}, torch::kDouble);
  const auto weights = torch::tensor({{1.0, 1.0, 1.0}, {1.0, 1.0, 0.0}}, torch::kDouble);
  const targets targets{torch::zeros({2, 3}, torch::kLong), {}, {}, weights};
  CHECK(std::isfinite(value_of(cross_entropy{}, {}, student, targets).item<double>()));
  CHECK(std::isfinite(value_of(soft_target_kl{}, teacher, student, targets).item<double>()));

  const auto finite = torch::randn({2, 5, 3}, torch::kDouble);
  for (const bool against_teacher : {false, true}) {
    const auto f = [&](const torch::Tensor& x) {
      return against_teacher ? value_of(soft_target_kl{}, teacher, x, targets)
                             : value_of(cross_entropy{}, {}, x, targets);
    };
    const auto x = finite.clone().set_requires_grad(true);
    f(x).backward();
    CHECK(torch::allclose(x.grad(), testing::finite_differences(f, finite), 1e-6, 1e-8));
    CHECK(torch::equal(x.grad()[1].select(1, 2), torch::zeros({5}, torch::kDouble)));
  }
}

TEST_CASE("weights that do not fit are refused in words")
{
  const auto logits = torch::randn({3, 5, 4});
  const auto refuses = [&](const torch::Tensor& weights, const char* why) {
    CHECK_THROWS_WITH_AS((void)value_of(cross_entropy{}, {}, logits,
                                        {torch::zeros({3, 4}, torch::kLong), {}, {}, weights}),
                         why, std::invalid_argument);
  };
  refuses(torch::ones({4}), "rolewise: cross-entropy: want weights [3, 4] or [3], got [4]");
  refuses(torch::ones({3}, torch::kLong),
          "rolewise: cross-entropy: want weights of floating point, got Long");
  CHECK_THROWS_WITH_AS(
      (void)value_of(cross_entropy{}, {}, logits, {torch::zeros({3}, torch::kLong), {}, {}}),
      "rolewise: cross-entropy: want labels [3, 4] of Long or [3, 5, 4] of floating point, got [3] "
      "of Long",
      std::invalid_argument);
  auto labels = torch::zeros({3, 4}, torch::kLong);
  labels[2][1] = 5;
  CHECK_THROWS_WITH_AS((void)value_of(cross_entropy{}, {}, logits, {labels, {}, {}}),
                       "rolewise: cross-entropy: want labels in 0 .. 4, got 5 for example 2 of the "
                       "batch",
                       std::invalid_argument);
}

TEST_CASE("targets_of gives padding the weight 0 where tokens have labels")
{
  batch tokens;
  tokens.inputs = torch::zeros({2, 3}, torch::kLong);
  tokens.labels = torch::zeros({2, 3}, torch::kLong);
  tokens.mask = torch::tensor({1, 1, 1, 1, 0, 0}, torch::kBool).view({2, 3});
  tokens.ignore_index = 7;
  const auto plain = targets_of(tokens, {});
  CHECK(torch::equal(plain.weights, tokens.mask.to(torch::kFloat)));
  CHECK(plain.ignore_index == 7);

  tokens.weights = torch::tensor({2.0F, 3.0F});
  CHECK(torch::equal(targets_of(tokens, {}).weights,
                     torch::tensor({2.0F, 2.0F, 2.0F, 3.0F, 0.0F, 0.0F}).view({2, 3})));

  tokens.labels = torch::softmax(torch::randn({2, 4, 3}), 1);  // soft, for each token
  CHECK(targets_of(tokens, {}).weights.sizes() == at::IntArrayRef{2, 3});

  tokens.labels = torch::zeros({2}, torch::kLong);  // one label for the sequence
  CHECK(torch::equal(targets_of(tokens, {}).weights, tokens.weights));
}
