// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/quantizer_acceptance.hpp"
#include "support/finite_differences.hpp"

#include <rolewise/network/convolution.hpp>
#include <rolewise/quant/binary_connect.hpp>
#include <rolewise/quant/sawb.hpp>
#include <rolewise/quant/ttq.hpp>
#include <rolewise/quant/twn.hpp>
#include <rolewise/quant/xnor.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace rw = rolewise;
using rw::bit_width;
using rw::phase;

namespace {

const rw::layer_id inside{"stage1.0.convolution1", rw::layer_kind::convolution, 1, 3};

torch::Tensor doubles(const std::vector<double>& values)
{
  return torch::tensor(values, torch::kFloat64);
}

/// One filter.
torch::Tensor filter(const std::vector<double>& values) { return doubles(values).unsqueeze(0); }

bool near(const torch::Tensor& a, const torch::Tensor& b, double tolerance = 5e-7)
{
  return torch::allclose(a.detach().to(torch::kFloat64).flatten(),
                         b.detach().to(torch::kFloat64).flatten(), 0.0, tolerance);
}

template<typename State>
torch::Tensor gradient_of(const State& state, const torch::Tensor& x, int bits,
                          const torch::Tensor& g)
{
  const auto leaf = x.clone().set_requires_grad(true);
  state(leaf, bit_width{bits}).values().backward(g);
  return leaf.grad();
}

torch::Tensor binary_example() { return filter({.4, -.2, 0, .9, -1.2}); }
torch::Tensor binary_gradient() { return filter({1, .5, -1, 2, 1}); }

torch::Tensor ternary_example() { return doubles({.9, -.05, .3, -.7, .02, -.35, .6, -.1}); }
torch::Tensor ternary_gradient() { return doubles({1, 2, -1, .5, 1, -2, .5, 1}); }

double squared_error(const torch::Tensor& w, const torch::Tensor& values)
{
  return (w - values).square().sum().item<double>();
}

void set(const torch::Tensor& learned, double value)
{
  const torch::NoGradGuard no_graph;
  learned.fill_(value);
}

}  // namespace

TEST_CASE("bwn has the values of the reference, and no scale is nearer")
{
  const auto w = binary_example();
  const auto q = rw::bwn{}.start_weights(inside)(w, bit_width{1});
  CHECK(torch::equal(q.levels, filter({1, -1, 1, 1, -1})));
  CHECK(near(q.scale, doubles({.54}), 1e-12));
  CHECK(squared_error(w, q.values()) == doctest::Approx(.992));
  CHECK(squared_error(w, q.values() * .9) == doctest::Approx(1.00658));
  CHECK(squared_error(w, q.values() * 1.1) == doctest::Approx(1.00658));

  // Each filter has its own scale; a filter of zeros stays zero and does not affect the others.
  const auto two = torch::cat({w, torch::zeros_like(w), w * 2});
  const auto values = rw::bwn{}.start_weights(inside)(two, bit_width{1}).values();
  CHECK(near(values[0], q.values(), 1e-12));
  CHECK(near(values[2], q.values() * 2, 1e-12));
  CHECK(torch::equal(values[1], torch::zeros(5, torch::kFloat64)));
}

TEST_CASE("bwn's gradient is the chain rule's or the paper's")
{
  const auto w = binary_example(), g = binary_gradient();
  CHECK(near(gradient_of(rw::bwn{}.start_weights(inside), w, 1, g),
             doubles({.64, .17, -.44, 1.18, -.1}), 1e-12));
  const rw::bwn paper{.gradient = rw::bwn_gradient::paper};
  CHECK(near(gradient_of(paper.start_weights(inside), w, 1, g), doubles({.74, .37, -.74, 1.48, .2}),
             1e-12));
  // |w| = 1 is inside for the chain rule and outside for the paper.
  const auto ends = filter({1, -1});
  const auto ones = torch::ones_like(ends);
  CHECK(near(gradient_of(rw::bwn{}.start_weights(inside), ends, 1, ones), doubles({1, 1}), 1e-12));
  CHECK(near(gradient_of(paper.start_weights(inside), ends, 1, ones), doubles({.5, .5}), 1e-12));
  // A filter of zeros gets a gradient, through its scale.
  CHECK(near(gradient_of(rw::bwn{}.start_weights(inside), torch::zeros({1, 2}, torch::kFloat64), 1,
                         filter({1, 2})),
             doubles({1.5, 1.5}), 1e-12));

  // Outside the mask, where the straight-through term is 0, the gradient is that of mean |w|
  // alone.
  torch::manual_seed(4);
  const auto far = torch::randn({3, 2, 2, 2}, torch::kFloat64).sign() * 2 +
                   torch::rand({3, 2, 2, 2}, torch::kFloat64);
  const auto direction = torch::randn_like(far);
  const auto slope = rw::testing::finite_differences(
      [&](const torch::Tensor& v) {
        const auto scale = v.abs().flatten(1).mean(1).view({3, 1, 1, 1});
        return (scale * far.sign() * direction).sum();
      },
      far);
  CHECK(near(gradient_of(rw::bwn{}.start_weights(inside), far, 1, direction), slope, 1e-8));
}

TEST_CASE("bwn centers and clamps the stored weights when it is told to")
{
  torch::manual_seed(5);
  const auto start = torch::randn({2, 3, 2, 2}) * 2;
  auto w = start.clone().set_requires_grad(true);
  rw::bwn{}.start_weights(inside).constrain(w, bit_width{1});
  CHECK(torch::equal(w, start));
  const auto state = rw::bwn{.center = true, .clamp = true}.start_weights(inside);
  state.constrain(w, bit_width{32});
  CHECK(torch::equal(w, start));
  state.constrain(w, bit_width{1});
  CHECK(torch::equal(w.detach(), (start - start.mean(1, true)).clamp(-1, 1)));
  CHECK(w.requires_grad());
  CHECK(w.is_leaf());
}

TEST_CASE("xnor's activations are signs whose gradient passes inside (-1, 1)")
{
  const auto x = doubles({-1.2, -1, -.5, 0, .9, 1});
  const auto state = rw::xnor{}.start_activations(inside);
  const auto q = state(x, bit_width{1});
  CHECK(torch::equal(q.values(), doubles({-1, -1, -1, 1, 1, 1})));
  CHECK(q.is_integer);
  CHECK(
      torch::equal(gradient_of(state, x, 1, torch::full_like(x, 3)), doubles({0, 0, 3, 3, 3, 0})));
}

TEST_CASE("xnor's layers multiply signs and scale each filter, borders included")
{
  torch::manual_seed(10);
  const rw::planned_layer plan{inside, {bit_width{1}, bit_width{1}}};
  rw::convolution<rw::xnor> layer{rw::xnor{}, plan, {.in = 4, .out = 3}, {}};
  rw::activation<rw::xnor> before{rw::xnor{}, plan};
  torch::Tensor latent;
  rw::for_each_tensor(layer,
                      [&](const std::string&, torch::Tensor& t, rw::tensor_kind) { latent = t; });
  const auto x = torch::randn({2, 4, 5, 5});
  const auto y = layer(before.of_rectified(x, phase::training), phase::training);

  // The number of agreeing signs minus that of disagreeing ones; padding counts for neither.
  const auto a = torch::constant_pad_nd(x.sign(), {1, 1, 1, 1}).to(torch::kLong);
  const auto w = latent.detach();
  auto counts = torch::zeros({2, 3, 5, 5}, torch::kLong);
  for (std::int64_t k = 0; k < 9; ++k)
    for (std::int64_t c = 0; c < 4; ++c) {
      const auto window = a.select(1, c).slice(1, k / 3, k / 3 + 5).slice(2, k % 3, k % 3 + 5);
      for (std::int64_t o = 0; o < 3; ++o) {
        const bool positive = w[o][c][k / 3][k % 3].item<float>() >= 0;
        counts.select(1, o).add_(window.eq(positive ? 1 : -1).to(torch::kLong));
        counts.select(1, o).sub_(window.eq(positive ? -1 : 1).to(torch::kLong));
      }
    }
  const auto scale = w.abs().flatten(1).mean(1).view({1, 3, 1, 1});
  CHECK(torch::equal(y.detach(), counts.to(torch::kFloat) * scale));
}

TEST_CASE("binary-connect takes signs by rule or by chance and keeps weights in their interval")
{
  const auto w = binary_example().squeeze(0);
  const auto by_rule = rw::binary_connect{}.start_weights(inside);
  CHECK(torch::equal(by_rule(w, bit_width{1}).values(), doubles({1, -1, 1, 1, -1})));
  CHECK(torch::equal(gradient_of(by_rule, w, 1, w + 2), w + 2));
  auto moved = w - .1 * binary_gradient().squeeze(0);
  by_rule.constrain(moved, bit_width{1});
  CHECK(near(moved, doubles({.3, -.25, .1, .7, -1}), 1e-12));

  const auto glorot = rw::binary_connect{.size = rw::binary_size::glorot}.start_weights(inside);
  CHECK(glorot.size_of(torch::zeros({8, 4, 3, 3})) ==
        doctest::Approx(std::sqrt(1.5 / (9 * (4 + 8)))));
  CHECK(glorot.size_of(torch::zeros({8, 4})) == doctest::Approx(std::sqrt(1.5 / 12)));

  // Stochastic: frequencies (.7, .4, .5, .95, 0), new draws at each step, reproducible.
  const rw::binary_connect chance{.choice = rw::binary_choice::stochastic, .seed = rw::seed{7}};
  auto state = chance.start_weights(inside), again = chance.start_weights(inside);
  constexpr int steps = 4000;
  auto positive = torch::zeros_like(w);
  for (int step = 0; step < steps; ++step) {
    state.observe(w, bit_width{1});
    again.observe(w, bit_width{1});
    const auto levels = state(w, bit_width{1}).levels;
    REQUIRE(torch::equal(again(w, bit_width{1}).levels, levels));
    positive += levels.gt(0);
  }
  CHECK(near(positive / steps, doubles({.7, .4, .5, .95, 0}), .03));
  CHECK(positive[4].item<double>() == 0);
  CHECK(torch::equal(state.evaluated(w, bit_width{1}).levels, doubles({1, -1, 1, 1, -1})));
  const rw::binary_connect real{.choice = rw::binary_choice::stochastic,
                                .real_in_evaluation = true};
  CHECK(torch::equal(
      rw::quantized_in(phase::evaluation, real.start_weights(inside), w, bit_width{1}).values(),
      w));
  CHECK_FALSE(torch::equal(
      rw::quantized_in(phase::training, real.start_weights(inside), w, bit_width{1}).values(), w));
}

TEST_CASE("twn has the threshold, codes and scale of the reference")
{
  const auto w = ternary_example();
  const auto state = rw::twn{}.start_weights(inside);
  const auto q = state(w, bit_width{2});
  CHECK(torch::equal(q.levels, doubles({1, 0, 1, -1, 0, -1, 1, 0})));
  CHECK(q.scale.item<double>() == doctest::Approx(.57).epsilon(1e-12).scale(0));
  CHECK(squared_error(w, q.values()) == doctest::Approx(.2609).epsilon(1e-12).scale(0));
  CHECK(torch::equal(gradient_of(state, w, 2, ternary_gradient()), ternary_gradient()));

  const auto best = rw::twn{rw::twn_threshold::optimal}.start_weights(inside)(w, bit_width{2});
  CHECK(squared_error(w, best.values()) == doctest::Approx(.259775).epsilon(1e-12).scale(0));

  const auto larger = state(w * 3, bit_width{2});
  CHECK(torch::equal(larger.levels, q.levels));
  CHECK(larger.scale.item<double>() == doctest::Approx(3 * .57).epsilon(1e-12).scale(0));
  CHECK_THROWS_WITH_AS((void)rw::twn{.factor = -1}.start_weights(inside),
                       "rolewise: twn: factor is -1, want 0 or more", std::invalid_argument);
}

TEST_CASE("twn's optimal threshold is that of trying all of them")
{
  torch::manual_seed(6);
  const auto state = rw::twn{rw::twn_threshold::optimal}.start_weights(inside);
  for (const bool tied : {false, true}) {
    auto w = torch::randn({40}, torch::kFloat64);
    if (tied) w = (w * 2).round() / 2;
    const auto size = w.abs();
    double least = squared_error(w, torch::zeros_like(w));
    for (std::int64_t i = 0; i < 40; ++i) {
      const auto mask = size >= size[i];
      const auto kept = (size * mask).sum() / mask.sum();
      least = std::min(least, squared_error(w, kept * w.sign() * mask));
    }
    CHECK(squared_error(w, state(w, bit_width{2}).values()) == doctest::Approx(least));
  }
}

TEST_CASE("ttq has the values and the three gradients of the reference")
{
  struct expectation {
    double fraction;
    torch::Tensor values, of_w;
    double of_above, of_below;
  };
  const std::vector<expectation> all{{.05, doubles({.8, -.6, .8, -.6, 0, -.6, .8, -.6}),
                                      doubles({.8, 1.2, -.8, .3, 1, -1.2, .4, .6}), .5, -1.5},
                                     {.4, doubles({.8, 0, 0, -.6, 0, 0, .8, 0}),
                                      doubles({.8, 2, -1, .3, 1, -2, .4, 1}), 1.5, -.5}};
  for (const auto& expected : all) {
    const auto state = rw::ttq{.fraction = expected.fraction}.start_weights(inside);
    set(state.above(), .8);
    set(state.below(), .6);
    const auto w = ternary_example();
    CHECK(near(state(w, bit_width{2}).values(), expected.values));
    CHECK(near(gradient_of(state, w, 2, ternary_gradient()), expected.of_w));
    CHECK(near(state.above().grad(), doubles({expected.of_above})));
    CHECK(near(state.below().grad(), doubles({expected.of_below})));

    // The two scales' gradients are finite differences of the values.
    const auto loss = [&](double above, double below) {
      set(state.above(), above);
      set(state.below(), below);
      const torch::NoGradGuard no_graph;
      return (state(w, bit_width{2}).values() * ternary_gradient()).sum().item<double>();
    };
    CHECK(loss(1.8, .6) - loss(.8, .6) == doctest::Approx(expected.of_above));
    CHECK(loss(.8, 1.6) - loss(.8, .6) == doctest::Approx(expected.of_below));
  }
}

TEST_CASE("ttq takes weights at the threshold for 0 and agrees with twn where scales do")
{
  const auto state = rw::ttq{.fraction = .5}.start_weights(inside);
  CHECK(torch::equal(state(doubles({1, .5, -.5, -.6}), bit_width{2}).values(),
                     doubles({1, 0, 0, -1})));
  const auto w = ternary_example();
  const auto ternary = rw::twn{}.start_weights(inside)(w, bit_width{2});
  const auto alike = rw::ttq{.fraction = .26425 / .9}.start_weights(inside);
  set(alike.above(), ternary.scale.item<double>());
  set(alike.below(), ternary.scale.item<double>());
  CHECK(near(alike(w, bit_width{2}).values(), ternary.values()));
}

TEST_CASE("ttq starts its scales at 1 or at means, once, and keeps them positive")
{
  const auto w = ternary_example();
  auto one = rw::ttq{}.start_weights(inside);
  one.observe(w, bit_width{2});
  CHECK(one.above().item<float>() == 1);

  const rw::ttq how{.fraction = .4, .start = rw::ttq_start::means};
  auto state = how.start_weights(inside);
  const auto held = state.above();  // as an optimizer does
  state.observe(w, bit_width{2});
  CHECK(held.item<float>() == doctest::Approx(.75));
  CHECK(state.below().item<float>() == doctest::Approx(.7));
  CHECK(held.is_leaf());
  state.observe(w * 5, bit_width{2});
  CHECK(state.above().item<float>() == doctest::Approx(.75));

  auto restored = how.start_weights(inside);
  rw::restore(restored, rw::snapshot_of(state));
  restored.observe(w * 5, bit_width{2});
  CHECK(restored.above().item<float>() == doctest::Approx(.75));

  set(state.above(), -3);
  state.observe(w, bit_width{2});
  CHECK(state.above().item<float>() == 0x1p-10f);
  int ranges = 0;
  rw::for_each_tensor(state, [&](const std::string&, torch::Tensor&, rw::tensor_kind kind) {
    CHECK((kind == rw::tensor_kind::range));
    ++ranges;
  });
  CHECK(ranges == 2);
  CHECK_THROWS_WITH_AS((void)rw::ttq{.fraction = 1}.start_weights(inside),
                       "rolewise: ttq: fraction is 1, want [0, 1)", std::invalid_argument);
}

TEST_CASE("sawb has the clips of the reference")
{
  const auto w = ternary_example();
  const auto clip = [&](int bits, rw::sawb_levels levels) {
    return rw::sawb{levels}.start_weights(inside).clip_of(w, bit_width{bits});
  };
  using enum rw::sawb_levels;
  CHECK(near(clip(1, without_zero), doubles({.3775})));
  CHECK(near(clip(2, without_zero), doubles({.735487})));
  CHECK(near(clip(3, without_zero), doubles({1.043617})));
  CHECK(near(clip(4, without_zero), doubles({1.323680})));
  CHECK(near(clip(5, without_zero), doubles({1.575526})));
  CHECK(near(clip(8, without_zero), doubles({2.190727})));
  CHECK(near(clip(2, with_zero), doubles({.616681})));
  CHECK(near(clip(4, with_zero), doubles({1.301231})));
  CHECK(near(clip(7, with_zero), doubles({2.078720})));
  CHECK(near(clip(8, with_zero), doubles({2.190727})));
  const rw::sawb other{.coefficients = rw::sawb_coefficients{3.212, -2.178}};
  CHECK(near(other.start_weights(inside).clip_of(w, bit_width{2}), doubles({.737114})));

  // For known distributions: the clip from the coefficients and the two moments.
  const std::vector<double> gaussian{1.473166, 2.009980, 2.467078, 2.867432};
  for (int bits = 2; bits <= 5; ++bits) {
    const auto c = *rw::sawb_coefficients_for(bit_width{bits}, without_zero);
    CHECK(c.of_root_mean_square + c.of_mean_size * std::sqrt(2 / 3.14159265358979) ==
          doctest::Approx(gaussian[static_cast<std::size_t>(bits - 2)]).epsilon(1e-6).scale(0));
  }
  const auto even = torch::linspace(-1, 1, 2001, torch::kFloat64);
  const auto state = rw::sawb{}.start_weights(inside);
  CHECK(state.clip_of(even, bit_width{2}).item<double>() ==
        doctest::Approx(.769).epsilon(1e-3).scale(0));
  CHECK(state.clip_of(torch::full({9}, -2, torch::kFloat64), bit_width{2}).item<double>() ==
        doctest::Approx(2.112));
}

TEST_CASE("sawb has the levels and gradients of the reference")
{
  const auto w = ternary_example();
  const auto two = rw::sawb{}.start_weights(inside)(w, bit_width{2});
  CHECK(torch::equal(two.levels, doubles({3, -1, 1, -3, 1, -1, 3, -1})));
  CHECK(
      near(two.values(), .735487 * doubles({1, -1. / 3, 1. / 3, -1, 1. / 3, -1. / 3, 1, -1. / 3})));
  const auto with_zero = rw::sawb{rw::sawb_levels::with_zero}.start_weights(inside);
  CHECK(near(with_zero(w, bit_width{2}).values(), .616681 * doubles({1, 0, 0, -1, 0, -1, 1, 0})));
  CHECK(with_zero(w, bit_width{4}).range == rw::level_range{-7, 7});

  const auto g = ternary_gradient();
  CHECK(torch::equal(gradient_of(rw::sawb{}.start_weights(inside), w, 2, g), g));
  const rw::sawb clipped{.gradient = rw::sawb_gradient::clipped};
  CHECK(torch::equal(gradient_of(clipped.start_weights(inside), w, 2, g),
                     doubles({0, 2, -1, .5, 1, -2, .5, 1})));

  torch::manual_seed(8);
  const auto many = torch::randn({300}, torch::kFloat64);
  for (const int bits : {1, 2, 3, 4, 5, 8}) {
    const auto state = rw::sawb{}.start_weights(inside);
    CHECK(near(state(-many, bit_width{bits}).values(), -state(many, bit_width{bits}).values(),
               1e-12));
    CHECK(near(state(many * 7, bit_width{bits}).values(), state(many, bit_width{bits}).values() * 7,
               1e-12));
  }
  // With one bit, sawb is bwn for the whole tensor.
  CHECK(near(rw::sawb{}.start_weights(inside)(many.unsqueeze(0), bit_width{1}).values(),
             rw::bwn{}.start_weights(inside)(many.unsqueeze(0), bit_width{1}).values(), 1e-12));
}

TEST_CASE("sawb falls back to the largest weight, and has a clip per filter where told")
{
  // With such coefficients, the clip can exceed the largest weight (few large weights among many
  // small ones) or fall below 0 (equal sizes, as here).
  const rw::sawb odd{.coefficients = rw::sawb_coefficients{1, -2}};
  const auto state = odd.start_weights(inside);
  CHECK(state.clip_of(doubles({.5, -.5, .4}), bit_width{2}).item<double>() == .5);
  const rw::sawb per_filter{.shared = rw::granularity::per_channel};
  const auto w =
      torch::stack({ternary_example(), ternary_example() * 2, torch::zeros({8}, torch::kFloat64)});
  const auto q = per_filter.start_weights(inside)(w, bit_width{3});
  CHECK(q.scale.sizes() == torch::IntArrayRef{3, 1});
  const auto alone = rw::sawb{}.start_weights(inside)(ternary_example(), bit_width{3}).values();
  CHECK(near(q.values()[0], alone, 1e-12));
  CHECK(near(q.values()[1], alone * 2, 1e-12));
  CHECK(q.values()[2].count_nonzero().item<std::int64_t>() == 0);
}

TEST_CASE("quantizers of given widths refuse others in words")
{
  const auto w = torch::ones({2, 3});
  CHECK_THROWS_WITH_AS((void)rw::bwn{}.start_weights(inside)(w, bit_width{2}),
                       "rolewise: bwn: layer stage1.0.convolution1 is to have 2 bits, want 1 or "
                       "32: its weights are signs",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)rw::xnor{}.start_activations(inside)(w, bit_width{4}),
                       "rolewise: xnor: layer stage1.0.convolution1 is to have 4 bits, want 1 or "
                       "32: its activations are signs",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)rw::twn{}.start_weights(inside)(w, bit_width{1}),
                       "rolewise: twn: layer stage1.0.convolution1 is to have 1 bits, want 2 or "
                       "32: its weights have three values",
                       std::invalid_argument);
  CHECK_THROWS_AS((void)rw::ttq{}.start_weights(inside)(w, bit_width{3}), std::invalid_argument);
  CHECK_THROWS_AS((void)rw::binary_connect{}.start_weights(inside)(w, bit_width{3}),
                  std::invalid_argument);
  for (const int bits : {6, 7, 16})
    CHECK_THROWS_AS((void)rw::sawb{}.start_weights(inside)(w, bit_width{bits}),
                    std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)rw::sawb{}.start_weights(inside)(w, bit_width{7}),
      "rolewise: sawb: layer stage1.0.convolution1 is to have 7 bits; there are coefficients for "
      "1, 2, 3, 4, 5 and 8 bits without a level of zero",
      std::invalid_argument);
  for (const int bits : {1, 3, 5, 6})
    CHECK_THROWS_AS(
        (void)rw::sawb{rw::sawb_levels::with_zero}.start_weights(inside)(w, bit_width{bits}),
        std::invalid_argument);
  const auto nan = torch::full({2, 3}, std::numeric_limits<float>::quiet_NaN());
  CHECK_THROWS_WITH_AS(
      (void)rw::twn{}.start_weights(inside)(nan, bit_width{2}),
      "rolewise: twn: weights of layer stage1.0.convolution1 are not all finite numbers",
      std::runtime_error);
}

TEST_CASE("quantizers from statistics are accepted")
{
  const double once = 1e-6;  // a mean of equal numbers may be off by a digit
  SUBCASE("bwn") { rw::laws::accept_weights(rw::bwn{}, {{1}, once, true, true}); }
  SUBCASE("bwn of the paper")
  {
    rw::laws::accept_weights(rw::bwn{.gradient = rw::bwn_gradient::paper}, {{1}, once, true, true});
  }
  SUBCASE("xnor")
  {
    rw::laws::accept_weights(rw::xnor{}, {{1}, once, true, true});
    rw::laws::accept_activations(rw::xnor{}, {.bits = {1}, .zeros_stay = false});
  }
  SUBCASE("binary-connect")
  {
    rw::laws::accept_weights(rw::binary_connect{}, {{1}, 0, false, true});
    rw::laws::accept_weights(rw::binary_connect{.choice = rw::binary_choice::stochastic,
                                                .size = rw::binary_size::glorot},
                             {{1}, 0, false, true});
  }
  SUBCASE("twn")
  {
    rw::laws::accept_weights(rw::twn{}, {{2}, once, true, true});
    rw::laws::accept_weights(rw::twn{rw::twn_threshold::optimal}, {{2}, once, true, true});
  }
  SUBCASE("ttq")
  {
    rw::laws::accept_weights(rw::ttq{}, {.bits = {2}, .refuses_nan = true});
    rw::laws::accept_weights(rw::ttq{.fraction = .3, .start = rw::ttq_start::means},
                             {.bits = {2}, .refuses_nan = true});
  }
  SUBCASE("sawb")
  {
    using enum rw::granularity;
    for (const auto shared : {per_tensor, per_channel}) {
      rw::laws::accept_weights(rw::sawb{.shared = shared},
                               {.bits = {1, 2, 3, 4, 5, 8}, .refuses_nan = true});
      rw::laws::accept_weights(rw::sawb{.levels = rw::sawb_levels::with_zero,
                                        .gradient = rw::sawb_gradient::clipped,
                                        .shared = shared},
                               {.bits = {2, 4, 7, 8}, .refuses_nan = true});
    }
  }
}

TEST_CASE("sawb with a frozen clip is idempotent")
{
  torch::manual_seed(9);
  const auto w = torch::randn({400});
  for (const auto levels : {rw::sawb_levels::without_zero, rw::sawb_levels::with_zero})
    for (const int bits : {2, 4, 8}) {
      const auto clip = torch::full({}, 1.37f);
      const auto once = rw::detail::sawb_quantized(w, clip, bit_width{bits}, levels).values();
      CHECK(torch::equal(rw::detail::sawb_quantized(once, clip, bit_width{bits}, levels).values(),
                         once));
    }
}
