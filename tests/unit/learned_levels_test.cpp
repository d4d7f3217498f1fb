// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/quantizer.hpp"
#include "support/finite_differences.hpp"

#include <rolewise/quant/apot.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lq_nets.hpp>
#include <rolewise/quant/paired.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace rw = rolewise;
using rw::bit_width;

namespace {

const rw::layer_id inside{"stage1.0.convolution1", rw::layer_kind::convolution, 1, 3};

torch::Tensor doubles(const std::vector<double>& values)
{
  return torch::tensor(values, torch::kFloat64);
}

bool near(const torch::Tensor& a, const torch::Tensor& b, double tolerance = 6e-7)
{
  return torch::allclose(a.detach().to(torch::kFloat64), b.detach().to(torch::kFloat64), 0.0,
                         tolerance);
}

template<typename State>
std::map<std::string, torch::Tensor> tensors_of(State& state)
{
  std::map<std::string, torch::Tensor> found;
  rw::for_each_tensor(
      state, [&](const std::string& name, torch::Tensor& t, rw::tensor_kind) { found[name] = t; });
  return found;
}

template<typename State>
void set_basis(State& state, const torch::Tensor& basis)
{
  rw::for_each_tensor(state, [&](const std::string&, torch::Tensor& t, rw::tensor_kind kind) {
    CHECK(kind == rw::tensor_kind::buffer);
    t = basis;
  });
}

template<typename State>
torch::Tensor clip_of(State& state)
{
  rw::for_each_tensor(state, [&](const std::string&, torch::Tensor&, rw::tensor_kind kind) {
    CHECK(kind == rw::tensor_kind::range);
  });
  return tensors_of(state).at("clip");
}

torch::Tensor example_weights() { return doubles({.5, -1, .2, .05, -.3, 1.1}); }
torch::Tensor normalized(const torch::Tensor& w) { return (w - w.mean()) / w.std(); }

}  // namespace

TEST_CASE("apot's grids are those of the paper")
{
  using codes = std::vector<std::int64_t>;
  CHECK(rw::apot::grid(2) == codes{0, 1, 2, 4});
  CHECK(rw::apot::grid(3) == codes{0, 1, 2, 3, 4, 6, 8, 10});
  CHECK(rw::apot::grid(4) == codes{0, 1, 2, 3, 4, 6, 8, 9, 12, 16, 18, 24, 32, 33, 36, 48});
  CHECK(rw::apot::grid(5) == codes{0,  1,  2,  3,  4,  5,  6,  7,  8,  10, 12,
                                   14, 16, 17, 20, 21, 24, 28, 32, 34, 36, 38,
                                   48, 52, 64, 65, 68, 69, 72, 76, 96, 100});
  CHECK(rw::apot::grid(6).back() == 448);
  CHECK(rw::apot::grid(3, false) == codes{0, 1, 2, 4, 8, 16, 32, 64});
  for (int bits = 1; bits <= 8; ++bits) {
    const auto grid = rw::apot::grid(bits);
    CHECK(grid.size() == std::size_t{1} << bits);
    for (std::size_t i = 1; i < grid.size(); ++i) CHECK(grid[i - 1] < grid[i]);
  }
  CHECK_THROWS_WITH_AS(rw::apot::grid(9), "rolewise: apot: has grids of 0 to 8 bits, got 9",
                       std::invalid_argument);
  CHECK_THROWS_AS(rw::apot::grid(6, false), std::invalid_argument);
  CHECK_THROWS_AS(rw::apot{.first_weight_clip = 0}.start_weights(inside), std::invalid_argument);
  CHECK_THROWS_AS(rw::apot{.first_activation_clip = std::nan("")}.start_activations(inside),
                  std::invalid_argument);
}

TEST_CASE("apot's weights have the values and the clip's gradient of the reference")
{
  const auto w = example_weights();
  CHECK(near(normalized(w), doubles({.572671, -1.531018, .151933, -.058436, -.549296, 1.414146})));
  for (const auto form : {rw::apot_gradient::detached, rw::apot_gradient::differentiated}) {
    auto state = rw::apot{.gradient = form, .first_weight_clip = 1.2}.start_weights(inside);
    const auto values = [&](int bits) { return state(w, bit_width{bits}).values(); };
    CHECK(near(values(2), doubles({0, -1.2, 0, 0, 0, 1.2})));
    CHECK(near(values(3), doubles({.6, -1.2, .3, 0, -.6, 1.2})));
    CHECK(near(values(4), doubles({.48, -1.2, .12, 0, -.48, 1.2})));
    CHECK(near(values(1), doubles({1.2, -1.2, 1.2, -1.2, -1.2, 1.2})));
    CHECK(torch::equal(values(32), w));

    const auto slope = [&](int bits) {
      const auto clip = clip_of(state);
      std::vector<double> each;
      for (std::int64_t i = 0; i < 6; ++i)
        each.push_back(torch::autograd::grad({values(bits)[i]}, {clip})[0].item<double>());
      return doubles(each);
    };
    CHECK(near(slope(3), doubles({.022774, -1, .123389, .048696, -.042253, 1})));
    CHECK(near(slope(4), doubles({-.077226, -1, -.026611, .048696, .057747, 1})));
  }
  const auto q = rw::apot{}.start_weights(inside)(w, bit_width{5});
  CHECK(q.is_integer);
  CHECK(*q.range == rw::level_range{-48, 48});
  CHECK(torch::equal(q.levels, q.levels.round()));
}

TEST_CASE("apot's weights pass gradients in both published forms")
{
  const auto g = doubles({1, -2, .5, 1, -1, 3});
  const auto gradient = [&](rw::apot_gradient form, int bits) {
    auto state = rw::apot{.gradient = form, .first_weight_clip = 1.2}.start_weights(inside);
    const auto w = example_weights().set_requires_grad(true);
    state(w, bit_width{bits}).values().backward(g);
    return w.grad();
  };
  const auto deviation = example_weights().std();
  CHECK(near(gradient(rw::apot_gradient::detached, 3), g / deviation, 1e-12));

  // The differentiated form against finite differences of the map without rounding.
  const auto inside_clip = doubles({1, 0, 1, 1, 1, 0});
  const auto unrounded = [&](const torch::Tensor& mask) {
    return rw::testing::finite_differences(
        [&](const torch::Tensor& w) { return (normalized(w) * g * mask).sum(); },
        example_weights());
  };
  const auto masked = gradient(rw::apot_gradient::differentiated, 3);
  CHECK(near(masked, unrounded(inside_clip), 1e-7));
  CHECK(near(gradient(rw::apot_gradient::differentiated, 2), unrounded(torch::ones_like(g)), 1e-7));
  CHECK(std::abs(masked.sum().item<double>()) < 1e-12);
  CHECK(std::abs((masked * normalized(example_weights())).sum().item<double>()) < 1e-12);
}

TEST_CASE("apot's weights don't know scale and shift, and stay finite")
{
  torch::manual_seed(0);
  const auto w = torch::randn({4, 3, 3, 3}, torch::kFloat64);
  const auto state = rw::apot{}.start_weights(inside);
  for (const int bits : {1, 2, 3, 5, 8}) {
    CHECK(
        torch::equal(state(w, bit_width{bits}).levels, state(w * 4 + .5, bit_width{bits}).levels));
    for (const auto& alike : {torch::full({2, 2}, .3, torch::kFloat64), doubles({.3})})
      CHECK(state(alike, bit_width{bits}).values().isfinite().all().item<bool>());
    auto broken = w.clone();
    broken[0][0][0][0] = std::nan("");
    CHECK_FALSE(state(broken, bit_width{bits}).values().isfinite().all().item<bool>());
  }
  CHECK_THROWS_AS(static_cast<void>(state(w, bit_width{10})), std::invalid_argument);
}

TEST_CASE("apot's activations have the values and gradients of the reference")
{
  auto state = rw::apot{}.start_activations(inside);
  const auto x = doubles({.1, .9, 2, 3.3, 7.5, 9}).set_requires_grad(true);
  const auto q = state(x, bit_width{2});
  CHECK(near(q.values(), doubles({0, 0, 2, 4, 8, 8}), 1e-12));
  CHECK(*q.range == rw::level_range{0, 4});
  q.values().sum().backward();
  CHECK(torch::equal(x.grad(), doubles({1, 1, 1, 1, 1, 0})));
  CHECK(clip_of(state).grad().item<double>() ==
        doctest::Approx(-.0125 - .1125 + 0 + .0875 + .0625 + 1).epsilon(1e-6).scale(0));

  const auto below = doubles({-1, -.25, 0}).set_requires_grad(true);
  clip_of(state).mutable_grad() = torch::Tensor{};
  const auto values = state(below, bit_width{2}).values();
  CHECK(torch::equal(values.detach(), doubles({0, 0, 0})));
  values.sum().backward();
  CHECK(torch::equal(below.grad(), doubles({0, 0, 1})));
  CHECK(clip_of(state).grad().item<double>() == 0);

  // Ties go to the lower level: 3 lies halfway between 2 and 4, 6 halfway between 4 and 8.
  CHECK(state(doubles({3, 6}), bit_width{2}).levels.equal(doubles({1, 2})));
  CHECK_FALSE(state(doubles({std::nan("")}), bit_width{2}).values().isfinite().all().item<bool>());
  CHECK(state(doubles({std::numeric_limits<double>::infinity()}), bit_width{2})
            .values()
            .equal(doubles({8})));
}

TEST_CASE("apot's activations keep the memory format, in every type")
{
  torch::manual_seed(0);
  const auto state = rw::apot{}.start_activations(inside);
  const auto plain = torch::rand({2, 8, 4, 4}) * 9;
  const auto expected = state(plain, bit_width{3}).levels;
  const auto x = plain.contiguous(torch::MemoryFormat::ChannelsLast);
  const auto q = state(x, bit_width{3});
  CHECK(q.levels.is_contiguous(torch::MemoryFormat::ChannelsLast));
  CHECK(torch::equal(q.levels, expected));
  const auto small = state(x.to(torch::kBFloat16), bit_width{3});
  CHECK((small.values().scalar_type() == torch::kBFloat16));
  CHECK((small.levels.scalar_type() == torch::kBFloat16));
}

TEST_CASE("lq_nets starts from the published basis")
{
  const auto basis = [](auto state, const torch::Tensor& x, int bits) {
    state.observe(x, bit_width{bits});
    return tensors_of(state).at("in_use");
  };
  const auto x = torch::rand({2, 3}, torch::kFloat64);
  const auto a = rw::lq_nets{}.start_activations(inside);
  CHECK(near(basis(a, x, 1), doubles({1.349}).unsqueeze(0)));
  CHECK(near(basis(a, x, 2), doubles({.449667, .899333}).unsqueeze(0)));
  CHECK(near(basis(a, x, 3), doubles({.192714, .385429, .770857}).unsqueeze(0)));
  const auto w = torch::randn({64, 2, 3, 3}, torch::kFloat64);
  const auto first = basis(rw::lq_nets{}.start_weights(inside), w, 2);
  CHECK(first.sizes() == at::IntArrayRef{64, 2});
  CHECK(near(first[7], doubles({.019873, .039745})));
}

TEST_CASE("lq_nets fits its basis as the reference does")
{
  const auto x = doubles({-1, -.3, .1, .2, .7, 1.4}).unsqueeze(0);
  for (const auto average : {rw::lq_average::corrected, rw::lq_average::plain}) {
    auto state = rw::lq_nets{.average = average}.start_weights(inside);
    set_basis(state, doubles({.2, .5}).unsqueeze(0));
    CHECK(near(state(x, bit_width{2}).values(), doubles({-.7, -.3, .3, .3, .7, .7}).unsqueeze(0),
               1e-12));
    state.observe(x, bit_width{2});
    // The output of the same training step still uses the previous basis.
    CHECK(near(state(x, bit_width{2}).values(), doubles({-.7, -.3, .3, .3, .7, .7}).unsqueeze(0),
               1e-12));
    const auto expected = average == rw::lq_average::corrected ? doubles({.416663, .616665})
                                                               : doubles({.221666, .511666});
    CHECK(near(tensors_of(state).at("stored")[0], expected));
    state.observe(x, bit_width{2});
    CHECK(near(tensors_of(state).at("in_use")[0], expected));
  }
  auto state = rw::lq_nets{}.start_weights(inside);
  set_basis(state, doubles({.2, .5}).unsqueeze(0));
  const auto before = (state(x, bit_width{2}).values() - x).square().sum().item<double>();
  state.observe(x, bit_width{2});
  const auto fitted = tensors_of(state).at("stored")[0];
  const double small = fitted[0].item<double>(), large = fitted[1].item<double>();
  const auto codes = doubles(
      {-small - large, small - large, large - small, large - small, small + large, small + large});
  CHECK(before == doctest::Approx(.63).epsilon(1e-9).scale(0));
  CHECK((codes - x[0]).square().sum().item<double>() ==
        doctest::Approx(.266667).epsilon(1e-5).scale(0));
}

TEST_CASE("lq_nets averages bases with correction")
{
  auto state = rw::lq_nets{.epsilon = 1e-12}.start_weights(inside);
  double sum = 0;
  for (int step = 1; step <= 5; ++step) {
    const auto x = torch::full({1, 4}, step, torch::kFloat64);
    state.observe(x, bit_width{1});
    sum = .9 * sum + .1 * step;
    CHECK(tensors_of(state).at("stored").item<double>() ==
          doctest::Approx(sum / (1 - std::pow(.9, step))).epsilon(1e-9).scale(0));
  }
}

TEST_CASE("lq_nets of one bit is the mean size, and fits lower the error")
{
  torch::manual_seed(3);
  const auto w = torch::randn({5, 4, 3, 3}, torch::kFloat64);
  auto one = rw::lq_nets{.epsilon = 1e-12}.start_weights(inside);
  one.observe(w, bit_width{1});
  one.observe(w, bit_width{1});
  CHECK(near(one(w, bit_width{1}).values(), w.sign() * w.abs().mean(at::IntArrayRef{1, 2, 3}, true),
             1e-9));

  auto state = rw::lq_nets{.epsilon = 1e-12}.start_weights(inside);
  double before = std::numeric_limits<double>::infinity();
  for (int step = 0; step < 6; ++step) {
    state.observe(w, bit_width{2});
    const double error = (state(w, bit_width{2}).values() - w).square().sum().item<double>();
    CHECK(error <= before + 1e-9);
    before = error;
  }
  const auto permuted = tensors_of(state).at("in_use").flip(1);
  const auto values = state(w, bit_width{2}).values();
  set_basis(state, permuted);
  CHECK(near(state(w, bit_width{2}).values(), values, 1e-12));
}

TEST_CASE("lq_nets passes gradients to weights and below its largest level")
{
  auto state = rw::lq_nets{}.start_activations(inside);
  const auto x = doubles({0, .5, 1.3, 1.4, 3}).set_requires_grad(true);
  state(x, bit_width{2}).values().backward(doubles({1, 2, 3, 4, 5}));
  CHECK(torch::equal(x.grad(), doubles({1, 2, 3, 0, 0})));  // the largest level is 1.349
  const auto w = torch::rand({2, 3}, torch::kFloat64).set_requires_grad(true);
  rw::lq_nets{}.start_weights(inside)(w, bit_width{2}).values().square().sum().backward();
  CHECK(w.grad().defined());
  CHECK_THROWS_AS(static_cast<void>(state(x, bit_width{9})), std::invalid_argument);
  CHECK_THROWS_AS(rw::lq_nets{.epsilon = 0}.start_weights(inside), std::invalid_argument);
}

TEST_CASE("lq_nets begins anew at another width, and keeps layouts and a NaN")
{
  torch::manual_seed(4);
  const auto x = torch::rand({2, 4, 3, 3});
  auto state = rw::lq_nets{}.start_activations(inside);
  for (int i = 0; i < 3; ++i) state.observe(x, bit_width{3});
  const auto of_three = tensors_of(state).at("in_use");
  CHECK(of_three.size(1) == 3);
  CHECK(state(x, bit_width{2}).values().isfinite().all().item<bool>());
  state.observe(x, bit_width{2});
  CHECK(tensors_of(state).at("in_use").size(1) == 2);

  const auto last = x.contiguous(torch::MemoryFormat::ChannelsLast);
  const auto q = state(last, bit_width{2});
  CHECK(q.levels.is_contiguous(torch::MemoryFormat::ChannelsLast));
  CHECK(torch::equal(q.levels, state(x, bit_width{2}).levels));
  auto weights = rw::lq_nets{}.start_weights(inside);
  weights.observe(last, bit_width{2});
  weights.observe(last, bit_width{2});
  CHECK(torch::equal(weights(last, bit_width{2}).levels, weights(x, bit_width{2}).levels));

  auto broken = x.clone();
  broken[0][0][0][0] = std::nanf("");
  CHECK_FALSE(state(broken, bit_width{2}).values().isfinite().all().item<bool>());
}

TEST_CASE("quantizers of learned levels keep the laws, and pair")
{
  rw::laws::hold_for(rw::apot{});
  rw::laws::hold_for(rw::apot{.gradient = rw::apot_gradient::differentiated});
  rw::laws::hold_for(rw::lq_nets{});
  rw::laws::hold_for(rw::lq_nets{.average = rw::lq_average::plain});
  rw::laws::hold_for(rw::paired{rw::apot{}, rw::dorefa{}});

  const rw::paired both{rw::lq_nets{}, rw::apot{}};
  CHECK(decltype(both)::name == "lq-nets+apot");
  CHECK(rw::rectifies<decltype(both)>());
  CHECK_FALSE(rw::rectifies<rw::paired<rw::apot, rw::lq_nets>>());
  const auto x = doubles({.1, .9, 2, 3.3, 7.5, 9});
  CHECK(torch::equal(both.start_activations(inside)(x, bit_width{2}).values(),
                     rw::apot{}.start_activations(inside)(x, bit_width{2}).values()));
}
