// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Transforms of images with gradients to what controls them, gates, and distances of colors.
#include "support/doctest.hpp"

#include "support/finite_differences.hpp"

#include <rolewise/agent/differentiable_transforms.hpp>
#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/core/relaxed_bernoulli.hpp>
#include <rolewise/loss/sliced_wasserstein.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

using namespace rolewise;

namespace {

[[nodiscard]] torch::Tensor of(std::vector<double> values)
{
  return torch::tensor(values, torch::kDouble);
}

[[nodiscard]] bool near(const torch::Tensor& a, const torch::Tensor& b, double apart)
{
  return a.sizes() == b.sizes() && ((a - b).abs() <= apart).all().item<bool>();
}

[[nodiscard]] torch::Tensor leaf(const torch::Tensor& t)
{
  return t.detach().clone().set_requires_grad(true);
}

/// Values strictly inside (0, 1), float64.
[[nodiscard]] torch::Tensor drawn(std::uint64_t key, at::IntArrayRef sizes)
{
  return uniform_tensor(sizes, seed{key}, 0.45).to(torch::kDouble) + 0.5;
}

template<typename F>
void check_gradient(const F& f, const torch::Tensor& at)
{
  const auto x = leaf(at);
  const auto found = torch::autograd::grad({f(x)}, {x})[0];
  CHECK(near(found, rolewise::testing::finite_differences(f, at, 1e-6), 1e-6));
}

}  // namespace

TEST_CASE(
    "pixels in [0, 1] are those of the bytes, and black is exactly 0 from normalized images, too")
{
  torch::manual_seed(3);
  batch bytes;
  bytes.inputs = torch::randint(1, 256, {2, 3, 6, 6}, torch::kByte);
  bytes.normalization = {.mean = {.49, .48, .45}, .std = {.25, .24, .26}};
  bytes.inputs.select(2, 0).zero_();  // a black bar
  const auto x = unit_pixels(bytes);
  CHECK(torch::equal(x, bytes.inputs.to(torch::kFloat) * (1.f / 255.f)));
  const auto back = unit_pixels(normalized(bytes));
  CHECK(torch::allclose(back, x, 0.0, 1e-6));
  CHECK(back.select(2, 0).eq(0).all().item<bool>());
  // So the bar stays black where colors change.
  const auto tinted = recolored(back, torch::ones({1}), torch::full({1}, 0.3), torch::ones({2}));
  CHECK(tinted.select(2, 0).eq(0).all().item<bool>());
  CHECK(tinted.select(2, 1).gt(0).all().item<bool>());
}

TEST_CASE("reflected: values and slopes of the triangle wave")
{
  const auto v = leaf(of({-.3, .25, .95, 1.2, 2.4}));
  const auto found = reflected(v);
  CHECK(near(found.detach(), of({.3, .25, .95, .8, .4}), 1e-12));
  CHECK(torch::equal(torch::autograd::grad({found.sum()}, {v})[0], of({-1, 1, 1, -1, 1})));

  const auto whole = leaf(of({-3, -2, -1, 0, 1, 2, 3}));
  const auto there = reflected(whole);
  CHECK(torch::equal(there.detach(), of({1, 0, 1, 0, 1, 0, 1})));
  CHECK(torch::equal(torch::autograd::grad({there.sum()}, {whole})[0],
                     of({-1, 1, -1, 1, -1, 1, -1})));
  // Exact on [0, 1] in single precision.
  const auto inside = torch::linspace(0, 1, 1001);
  CHECK(torch::equal(reflected(inside), inside));
}

TEST_CASE("recolored: values, black bars and gradients")
{
  const auto x = of({.1, .9, 1}).view({1, 1, 1, 3});
  const auto scale = 0.8 * (of({1}).sigmoid() - 0.5) + 1.0, shift = of({-.5}).sigmoid() - 0.5;
  CHECK(std::abs(scale.item<double>() - 1.184847) < 1e-6);
  CHECK(std::abs(shift.item<double>() + .122459) < 1e-6);
  const auto all = torch::ones({1}, torch::kDouble);
  CHECK(near(recolored(x, scale, shift, all).flatten(), of({.003975, .943903, .937612}), 1e-6));
  CHECK(near(recolored(x, scale, shift, 0.0 * all), x, 1e-12));

  // A black column and a black row stay black; a single black pixel does not.
  auto barred = drawn(1, {1, 3, 4, 4});
  barred.index_put_({0, torch::indexing::Slice(), 1}, 0.0);
  barred.index_put_({0, torch::indexing::Slice(), torch::indexing::Slice(), 2}, 0.0);
  barred.index_put_({0, torch::indexing::Slice(), 3, 3}, 0.0);
  const auto moved = recolored(barred, of({1}), of({.25}), all);
  CHECK(moved.select(2, 1).abs().max().item<double>() == 0.0);
  CHECK(moved.select(3, 2).abs().max().item<double>() == 0.0);
  CHECK(moved[0][0][3][3].item<double>() == doctest::Approx(.25));
  CHECK(outside_black_bars(barred).sum().item<double>() == 9.0);

  const auto images = drawn(2, {2, 3, 3, 3}), scales = drawn(3, {2, 3, 3, 3}) + 0.5,
             shifts = drawn(4, {2, 3, 3, 3}) - 0.5, gates = drawn(5, {2});
  const auto weights = drawn(6, {2, 3, 3, 3});
  const auto sum = [&](const torch::Tensor& t) { return (t * weights).sum(); };
  check_gradient([&](const auto& t) { return sum(recolored(t, scales, shifts, gates)); }, images);
  check_gradient([&](const auto& t) { return sum(recolored(images, t, shifts, gates)); }, scales);
  check_gradient([&](const auto& t) { return sum(recolored(images, scales, t, gates)); }, shifts);
  check_gradient([&](const auto& t) { return sum(recolored(images, scales, shifts, t)); }, gates);
  CHECK_THROWS_WITH_AS((void)recolored(images, scales, shifts, all),
                       doctest::Contains("recolored: want a gate for each of 2 images, got [1]"),
                       std::invalid_argument);
}

TEST_CASE("affine_warped: identity, a shift by a pixel, and gradients")
{
  const auto images = drawn(7, {2, 3, 4, 4});
  const auto identity = torch::eye(2, 3, torch::kDouble).expand({2, 2, 3}).contiguous();
  CHECK(near(affine_warped(images, identity), images, 1e-12));
  // A side is 2 long: one pixel of four is 0.5. To the left, with black from outside.
  auto moved = identity.clone();
  moved.select(2, 2).select(1, 0).fill_(0.5);
  const auto found = affine_warped(images, moved);
  CHECK(near(found.narrow(3, 0, 3), images.narrow(3, 1, 3), 1e-12));
  CHECK(found.select(3, 3).abs().max().item<double>() < 1e-12);

  const auto maps = identity + 0.05 * drawn(8, {2, 2, 3});
  const auto weights = drawn(9, {2, 3, 4, 4});
  check_gradient([&](const auto& t) { return (affine_warped(images, t) * weights).sum(); }, maps);
  check_gradient([&](const auto& t) { return (affine_warped(t, maps) * weights).sum(); }, images);
  CHECK_THROWS_WITH_AS((void)affine_warped(images, maps.narrow(0, 0, 1)),
                       doctest::Contains("affine_warped: want maps [2, 2, 3]"),
                       std::invalid_argument);
}

TEST_CASE("relaxed_bernoulli: values, and the gradient of the logit")
{
  const auto u = of({.3, .49, .51, .7});
  const auto logit = torch::zeros({1}, torch::kDouble);
  CHECK(near(relaxed_bernoulli(logit, u, 0.05), of({0, .310003, .689997, 1}), 1e-6));
  check_gradient([&](const auto& t) { return relaxed_bernoulli(t, u, 0.05).sum(); }, logit);
  // A half at probability sigmoid(logit), without NaN at the ends.
  const auto l = leaf(of({1.5}));
  const auto ends = relaxed_bernoulli(l, of({0, 1}), 0.05);
  CHECK(torch::equal(ends.detach(), of({0, 1})));
  CHECK(torch::autograd::grad({ends.sum()}, {l})[0].item<double>() == 0.0);
  CHECK(std::abs(relaxed_bernoulli(l, 1.0 - l.detach().sigmoid()).item<double>() - .5) < 1e-9);
  CHECK_THROWS_WITH_AS((void)relaxed_bernoulli(l, u, 0.0),
                       doctest::Contains("want a temperature above 0, got 0"),
                       std::invalid_argument);
}

TEST_CASE("sliced_wasserstein: sorts over the batch, 0 for permutations, above 0 for shifts")
{
  const auto one = torch::ones({1, 1}, torch::kDouble);
  const auto a = of({.2, .8}).view({2, 1, 1, 1}), b = of({.9, .3}).view({2, 1, 1, 1});
  CHECK(std::abs(sliced_wasserstein(a, b, one).item<double>() - .01) < 1e-12);

  const auto images = drawn(10, {4, 3, 2, 2});
  const auto ways = random_directions(seed{1}, 0, 0, 16, 3);
  CHECK(near(ways.norm(2, {1}), torch::ones({16}), 1e-6));
  CHECK(torch::equal(ways, random_directions(seed{1}, 0, 0, 16, 3)));
  CHECK_FALSE(torch::equal(ways, random_directions(seed{1}, 0, 1, 16, 3)));
  CHECK(sliced_wasserstein(images, images.flip(0), ways).item<double>() == 0.0);
  CHECK(sliced_wasserstein(images, images + .1, ways).item<double>() > 0.0);
  check_gradient([&](const auto& t) { return sliced_wasserstein(t, images, ways); },
                 drawn(11, {4, 3, 2, 2}));
  CHECK_THROWS_WITH_AS((void)sliced_wasserstein(images, images, one),
                       doctest::Contains("want directions [D, 3], got [1, 1]"),
                       std::invalid_argument);
}
