// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradients of what is drawn or rounded: relaxed gates and choices, RELAX, straight-through.
#include "support/doctest.hpp"

#include "support/noise_images.hpp"

#include <rolewise/agent/straight_through.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/relaxed_bernoulli.hpp>
#include <rolewise/core/relaxed_categorical.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstdint>
#include <stdexcept>

using namespace rolewise;

namespace {

constexpr std::int64_t many = 100'000;

/// Uniform draws `[many, count]`.
[[nodiscard]] torch::Tensor uniform(std::uint64_t number, std::int64_t count)
{
  return uniform_draws(seed{number}, 0, torch::arange(many), count).to(torch::kDouble);
}

[[nodiscard]] bool is_within(const torch::Tensor& found, const torch::Tensor& wanted, double share)
{
  return (found - wanted).abs().le(share * wanted.abs()).all().item<bool>();
}

}  // namespace

TEST_CASE("four: gates and choices at low temperatures tend to probabilities, with gradients")
{
  const auto logit = torch::tensor(.8, torch::kDouble).set_requires_grad(true);
  const auto p = logit.detach().sigmoid();
  const auto u = uniform(1, 1).squeeze(1);
  const auto at_low = relaxed_bernoulli(logit, u, .01);
  CHECK(std::abs((at_low.mean() - p).item<double>()) < .005);
  const auto slope = torch::autograd::grad({relaxed_bernoulli(logit, u, .1).mean()}, {logit})[0];
  CHECK(is_within(slope, p * (1 - p), .05));

  const auto logits = torch::tensor({.5, -.3, .2}, torch::kDouble).set_requires_grad(true);
  const auto q = torch::softmax(logits.detach(), 0);
  const auto v = uniform(2, 3);
  CHECK((relaxed_categorical(logits, v, .01).mean(0) - q).abs().max().item<double>() < .005);
  const auto means = relaxed_categorical(logits, v, .1).mean(0);
  for (std::int64_t k = 0; k < 3; ++k) {
    auto wanted = -q * q[k];
    wanted[k] += q[k];
    CHECK(is_within(torch::autograd::grad({means[k]}, {logits}, {}, true)[0], wanted, .05));
  }
  CHECK(relaxed_categorical(logits, torch::zeros({3}), .1).isfinite().all().item<bool>());
  CHECK_THROWS_WITH_AS((void)relaxed_categorical(logits, v, 0.0),
                       doctest::Contains("want a temperature above 0, got 0"),
                       std::invalid_argument);
}

TEST_CASE("six: RELAX is the score function without a control, and unbiased with any")
{
  const auto logits = torch::tensor({.5, -.3, .2}, torch::kDouble);
  const auto rows = logits.expand({many, 3}).contiguous().set_requires_grad(true);
  const auto costs = torch::tensor({1.0, -2.0, 3.5}, torch::kDouble);
  const auto p = torch::softmax(logits, 0);
  const auto exact = p * (costs - (p * costs).sum());

  const auto drawn = draw_categorical(rows, uniform(3, 3), uniform(4, 3));
  CHECK(drawn.choice.equal(drawn.relaxed.argmax(1)));
  CHECK(drawn.choice.equal(drawn.conditional.argmax(1)));
  const auto shares = torch::bincount(drawn.choice, {}, 3).to(torch::kDouble) / double{many};
  CHECK((shares - p).abs().max().item<double>() < .006);
  // Drawn again given the choice: the same distribution.
  CHECK((drawn.relaxed.mean(0) - drawn.conditional.mean(0)).abs().max().item<double>() < .02);

  const auto f = costs.index_select(0, drawn.choice);
  const auto none = torch::zeros({many}, torch::kDouble);
  const auto plain = relax_gradient(drawn, f, none, none);
  const auto score = torch::one_hot(drawn.choice, 3).to(torch::kDouble) - p;
  CHECK(plain.allclose(f.unsqueeze(1) * score, 0, 1e-12));
  CHECK((plain.mean(0) - exact).abs().max().item<double>() < .02);

  const auto strength = torch::tensor(1.0, torch::kDouble).set_requires_grad(true);
  const auto control = [&](const torch::Tensor& z) {
    return strength * (torch::softmax(z / .5, 1) * costs).sum(1);
  };
  const auto relax = relax_gradient(drawn, f, control(drawn.relaxed), control(drawn.conditional));
  CHECK((relax.detach().mean(0) - exact).abs().max().item<double>() < .02);
  CHECK(relax.detach().var(0).sum().item<double>() < .9 * plain.var(0).sum().item<double>());
  // The control learns to lower the variance: its parameter has a gradient.
  const auto of_control = torch::autograd::grad({relax.square().mean()}, {strength})[0];
  CHECK(of_control.abs().item<double>() > 0.0);
  CHECK(std::isfinite(of_control.item<double>()));
  // It is that of the whole estimate, which is linear in the strength.
  const auto square_at = [&](double by) {
    const auto c = [&](const torch::Tensor& z) {
      return by * (torch::softmax(z / .5, 1) * costs).sum(1);
    };
    return relax_gradient(drawn, f, c(drawn.relaxed), c(drawn.conditional))
        .detach()
        .square()
        .mean()
        .item<double>();
  };
  CHECK(of_control.item<double>() ==
        doctest::Approx((square_at(1.5) - square_at(.5)) / 1.0).epsilon(1e-6).scale(0));
  // A control with a graph and logits without one: the estimate would be biased.
  auto without = drawn;
  without.logits = drawn.logits.detach();
  CHECK_THROWS_WITH_AS(
      (void)relax_gradient(without, f, control(drawn.relaxed), control(drawn.conditional)),
      doctest::Contains("the logits of the draw require no gradient"), std::invalid_argument);

  CHECK_THROWS_WITH_AS((void)draw_categorical(logits, logits, logits),
                       doctest::Contains("want logits, u and v [N, K], got [3]"),
                       std::invalid_argument);
  CHECK_THROWS_AS((void)relax_gradient(drawn, costs, none, none), std::invalid_argument);
}

TEST_CASE("draws of classes that are nearly impossible have finite gradients")
{
  const auto logits = torch::tensor({{0.0F, 100.0F, -200.0F}}).set_requires_grad(true);
  const auto half = torch::full({1, 3}, .5F);
  const auto drawn = draw_categorical(logits, half, half);
  CHECK(drawn.choice.item<std::int64_t>() == 1);
  CHECK(drawn.conditional.isfinite().all().item<bool>());
  const auto slope = torch::autograd::grad({drawn.conditional.sum()}, {logits})[0];
  CHECK(slope.isfinite().all().item<bool>());
}

TEST_CASE("nine: a straight-through operation shows the true image; the magnitude gets all slopes")
{
  const auto bytes = rolewise::testing::noise_images(4).inputs;
  const auto images = (bytes.to(torch::kFloat) / 255.0).set_requires_grad(true);
  const auto magnitude = torch::full({4}, 1.0F).set_requires_grad(true);
  const auto view = straight_through_operation(images, operation::posterize, magnitude);
  const auto quantized = bytes.bitwise_and(torch::tensor(0xF0, torch::kByte));  // 4 bits
  CHECK((view * 255.0).round().to(torch::kByte).equal(quantized));

  // Upstream gradients .1, -.3, .5 at three pixels of an image: .3 for its magnitude.
  auto upstream = torch::zeros_like(view);
  upstream.index_put_({torch::tensor({1, 1, 1}), torch::tensor({0, 1, 2}), torch::tensor({2, 3, 4}),
                       torch::tensor({5, 6, 7})},
                      torch::tensor({.1F, -.3F, .5F}));
  const auto slopes = torch::autograd::grad({view}, {magnitude, images}, {upstream});
  CHECK(std::abs(slopes[0][1].item<double>() - .3) < 1e-6);
  CHECK(slopes[0][0].item<double>() == 0.0);
  CHECK(slopes[1].equal(upstream));

  // Without a magnitude there is no gradient to it; the image's is the identity.
  const auto contrast = straight_through_operation(images, operation::autocontrast, magnitude);
  CHECK(torch::autograd::grad({contrast}, {images}, {upstream})[0].equal(upstream));
  CHECK(!torch::autograd::grad({straight_through_operation(images, operation::equalize, magnitude)},
                               {magnitude}, {upstream}, {}, false, true)[0]
             .defined());
  // A sign for each image; magnitude 0 changes nothing.
  const auto both = straight_through_operation(images, operation::translate_x, magnitude,
                                               torch::tensor({true, false, true, false}));
  CHECK(!both[0].allclose(straight_through_operation(images, operation::translate_x, magnitude,
                                                     torch::zeros({4}, torch::kBool))[0]));
  for (const auto what : {operation::rotate, operation::posterize, operation::brightness})
    CHECK(straight_through_operation(images, what, torch::zeros({4})).allclose(images));
  // Magnitudes out of range count as the nearest in it; what is no number is refused.
  const auto at = [&](float m) {
    return straight_through_operation(images, operation::posterize, torch::full({4}, m));
  };
  CHECK(at(1.5F).equal(at(1.0F)));
  CHECK(at(-1.0F).equal(at(0.0F)));
  CHECK_FALSE(at(1.0F).equal(at(0.0F)));
  CHECK_THROWS_WITH_AS((void)at(std::nanf("")), doctest::Contains("that are numbers, got NaN"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)straight_through_operation(images * std::nanf(""), operation::rotate, magnitude),
      doctest::Contains("want images of numbers, got NaN"), std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)straight_through_operation(images, operation::cutout, magnitude),
                       doctest::Contains("cutout has a place"), std::invalid_argument);
  CHECK_THROWS_AS((void)straight_through_operation(images, operation::rotate, torch::ones({3})),
                  std::invalid_argument);
  CHECK_THROWS_AS((void)with_unit_slope(images, torch::ones({3})), std::invalid_argument);
  CHECK_THROWS_AS((void)straight_through(images, magnitude), std::invalid_argument);
}
