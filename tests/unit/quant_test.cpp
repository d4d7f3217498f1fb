// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/bit_width_scheme.hpp"
#include "laws/quantizer.hpp"

#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/lsq_plus.hpp>
#include <rolewise/quant/no_quantizer.hpp>
#include <rolewise/quant/pact.hpp>
#include <rolewise/quant/per_layer.hpp>
#include <rolewise/quant/schemes.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace rw = rolewise;
using rw::bit_width;

namespace {

const rw::layer_id inside{"stage1.0.convolution1", rw::layer_kind::convolution, 1, 3};

torch::Tensor doubles(const std::vector<double>& values)
{
  return torch::tensor(values, torch::kFloat64);
}

bool near(const torch::Tensor& a, const torch::Tensor& b, double tolerance)
{
  return torch::allclose(a.detach().to(torch::kFloat64), b.detach().to(torch::kFloat64), 0.0,
                         tolerance);
}

torch::Tensor example_weights() { return doubles({.5, -1, .2, 0, -.3}); }

torch::Tensor gradient_of_weights(const rw::dorefa& q, int bits)
{
  const auto w = example_weights().set_requires_grad(true);
  const auto values = q.start_weights(inside)(w, bit_width{bits}).values();
  values.backward(doubles({1, -2, .5, 1, -1}));
  return w.grad();
}

}  // namespace

TEST_CASE("dorefa's weights have the codes of the reference")
{
  const auto state = rw::dorefa{}.start_weights(inside);
  const auto codes = [&](int bits) { return state(example_weights(), bit_width{bits}); };

  CHECK(torch::equal(codes(2).levels, doubles({1, -3, 1, 1, -1})));
  CHECK(torch::equal(codes(3).levels, doubles({5, -7, 1, 1, -3})));
  CHECK(torch::equal(codes(4).levels, doubles({9, -15, 3, 1, -5})));
  CHECK(torch::equal(codes(1).levels, doubles({1, -1, 1, 1, -1})));
  CHECK(codes(2).is_integer);
  CHECK(near(codes(2).values(), doubles({1. / 3, -1, 1. / 3, 1. / 3, -1. / 3}), 1e-15));
  CHECK(near(codes(1).values(), doubles({.4, -.4, .4, .4, -.4}), 1e-15));
  CHECK(near(codes(31).values() / 2 + 0.5, doubles({.803388, 0, .629580, .5, .308748}), 5e-7));
}

TEST_CASE("dorefa's weights have the exact gradient of the unrounded map")
{
  CHECK(near(gradient_of_weights({}, 2), doubles({1.032634, .616986, .630942, 1.313035, -1.201607}),
             5e-7));
  const auto detached = gradient_of_weights({rw::dorefa_gradient::detached}, 2);
  CHECK(near(detached, doubles({1.032634, -1.102882, .630942, 1.313035, -1.201607}), 5e-7));
  CHECK(torch::equal(gradient_of_weights({}, 1), doubles({1, -2, .5, 1, -1})));

  const auto unrounded = [](const torch::Tensor& w) {
    const auto t = w.tanh();
    return (t / t.abs().max() * doubles({1, -2, .5, 1, -1})).sum().item<double>();
  };
  const auto gradient = gradient_of_weights({}, 4);
  constexpr double step = 1e-6;
  for (std::int64_t i = 0; i < 5; ++i) {
    auto up = example_weights(), down = example_weights();
    up[i] += step;
    down[i] -= step;
    CHECK(gradient[i].item<double>() ==
          doctest::Approx((unrounded(up) - unrounded(down)) / (2 * step)).epsilon(1e-6).scale(0));
  }
}

TEST_CASE("dorefa's weights share the maximum's part of the gradient among equals")
{
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    CAPTURE(type);
    const auto w = doubles({.5, -.5, .1}).to(type).set_requires_grad(true);
    rw::dorefa{}
        .start_weights(inside)(w, bit_width{2})
        .values()
        .backward(doubles({1, 1, 2}).to(type));
    const double t = std::tanh(.5), slope = 1 - t * t;
    const double part = slope / (t * t) * 2 * std::tanh(.1) / 2;
    const double of_third = (1 - std::tanh(.1) * std::tanh(.1)) / t;
    CHECK(near(w.grad(), doubles({slope / t - part, slope / t + part, 2 * of_third}),
               type == torch::kFloat64 ? 1e-12 : 3e-7));
  }
}

TEST_CASE("dorefa's weights that are all zero stay finite")
{
  for (const int bits : {1, 2, 3, 8}) {
    CAPTURE(bits);
    const auto w = torch::zeros({2, 3}, torch::kFloat64).set_requires_grad(true);
    const auto q = rw::dorefa{}.start_weights(inside)(w, bit_width{bits});
    const double n = std::exp2(bits) - 1;
    CHECK(near(q.values(), torch::full({2, 3}, bits == 1 ? 0.0 : 1 / n, torch::kFloat64), 1e-15));
    q.values().sum().backward();
    CHECK(torch::equal(w.grad(), torch::ones({2, 3}, torch::kFloat64)));

    const auto f = torch::zeros({2, 3}).set_requires_grad(true);
    const auto by_kernels = rw::dorefa{}.start_weights(inside)(f, bit_width{bits});
    CHECK(near(by_kernels.values(), q.values(), 1e-7));
    by_kernels.values().sum().backward();
    CHECK(torch::equal(f.grad(), torch::ones({2, 3})));
  }
}

TEST_CASE("dorefa gives bytes in single precision where they fit, and what it gives in double")
{
  const auto w = example_weights().to(torch::kFloat);
  const auto x = doubles({-.2, .1, .17, .5, .84, 1.3}).to(torch::kFloat);
  const rw::dorefa q;
  for (const int bits : {1, 2, 3, 4, 5, 7, 8, 9}) {
    CAPTURE(bits);
    const auto of_w = q.start_weights(inside)(w, bit_width{bits});
    CHECK((of_w.levels.scalar_type() == (bits < 8 ? torch::kChar : torch::kFloat)));
    CHECK(torch::equal(of_w.levels.to(torch::kFloat64),
                       q.start_weights(inside)(example_weights(), bit_width{bits}).levels));
    const auto of_x = q.start_activations(inside)(x, bit_width{bits});
    CHECK((of_x.levels.scalar_type() == (bits < 9 ? torch::kByte : torch::kFloat)));
    CHECK(of_w.range == rw::level_range{1 - (1 << bits), (1 << bits) - 1});
    CHECK(of_x.range == rw::level_range{0, (1 << bits) - 1});
  }
  for (const auto which : {rw::dorefa_gradient::exact, rw::dorefa_gradient::detached}) {
    const auto leaf = w.clone().set_requires_grad(true);
    rw::dorefa{which}
        .start_weights(inside)(leaf, bit_width{2})
        .values()
        .backward(doubles({1, -2, .5, 1, -1}).to(torch::kFloat));
    CHECK(near(leaf.grad(), gradient_of_weights({which}, 2), 3e-7));
  }
}

TEST_CASE("dorefa takes tensors without numbers")
{
  for (const auto type : {torch::kFloat32, torch::kFloat64})
    for (const int bits : {1, 2, 9}) {
      const auto none = torch::zeros({0, 3}, type).set_requires_grad(true);
      const auto q = rw::dorefa{}.start_weights(inside)(none, bit_width{bits});
      CHECK(q.values().sizes() == none.sizes());
      q.values().sum().backward();
      CHECK(none.grad().sizes() == none.sizes());
      CHECK(rw::dorefa{}.start_activations(inside)(none, bit_width{bits}).values().numel() == 0);
    }
}

TEST_CASE("dorefa's weights are odd off the halves, reach 1 and are finite")
{
  torch::manual_seed(1);
  const auto w = torch::randn({64}, torch::kFloat64);
  const auto state = rw::dorefa{}.start_weights(inside);
  for (const int bits : {2, 3, 5}) {
    const auto values = state(w, bit_width{bits}).values();
    CHECK(near(state(-w, bit_width{bits}).values(), -values, 1e-15));
    CHECK(values.abs().max().item<double>() == doctest::Approx(1).epsilon(1e-15).scale(0));
  }
  const auto broken = torch::cat({w, doubles({std::nan("")})});
  for (const int bits : {1, 2})
    for (const auto type : {torch::kFloat64, torch::kFloat32}) {
      CHECK_THROWS_WITH_AS((void)state(broken.to(type), bit_width{bits}),
                           "rolewise: dorefa: a weight is not a number (NaN); want finite numbers",
                           std::runtime_error);
      CHECK_THROWS_WITH_AS((void)state(torch::full({3}, INFINITY, type), bit_width{bits}),
                           "rolewise: dorefa: a weight is infinite; want finite numbers",
                           std::runtime_error);
    }
}

TEST_CASE("dorefa's activations are rounded half to even and pass gradients on the closed interval")
{
  const auto state = rw::dorefa{}.start_activations(inside);
  for (const auto type : {torch::kFloat64, torch::kFloat32, torch::kBFloat16, torch::kHalf}) {
    CAPTURE(type);
    const auto x = doubles({-.2, .1, .17, .5, .84, 1.3}).to(type).set_requires_grad(true);
    const auto q = state(x, bit_width{2});
    CHECK(q.is_integer);
    CHECK(torch::equal(q.levels.detach().to(torch::kFloat64), doubles({0, 0, 1, 2, 3, 3})));
    q.values().backward(torch::ones(6, type));
    CHECK(near(x.grad(), doubles({0, 1, 1, 1, 1, 0}), type == torch::kBFloat16 ? 0.01 : 1e-3));

    const auto ends = doubles({0, 1, -0.0}).to(type).set_requires_grad(true);
    state(ends, bit_width{2}).values().sum().backward();
    CHECK(torch::equal(ends.grad().to(torch::kFloat64), doubles({1, 1, 1})));
    const auto beyond = torch::stack({torch::nextafter(torch::ones({}), torch::full({}, 2.0f)),
                                      torch::full({}, -std::numeric_limits<float>::min())})
                            .set_requires_grad(true);
    state(beyond, bit_width{2}).values().sum().backward();
    CHECK(torch::equal(beyond.grad(), torch::zeros(2)));
    CHECK_THROWS_AS((void)state(doubles({.5, NAN}).to(type), bit_width{2}), std::runtime_error);
    CHECK(torch::equal(
        state(doubles({-INFINITY, INFINITY}).to(type), bit_width{2}).levels.to(torch::kFloat64),
        doubles({0, 3})));
  }
  CHECK(torch::equal(state(doubles({-1, .3, 2}), bit_width{32}).values(), doubles({0, .3, 2})));
}

TEST_CASE("dorefa's activations keep the memory format and leave their input alone")
{
  const auto x = torch::rand({2, 8, 4, 4}).contiguous(torch::MemoryFormat::ChannelsLast);
  const auto q = rw::dorefa{}.start_activations(inside)(x, bit_width{4});
  CHECK(q.levels.is_contiguous(torch::MemoryFormat::ChannelsLast));
  CHECK(q.levels.data_ptr() != x.data_ptr());
}

TEST_CASE("dorefa can be differentiated twice")
{
  const auto w = example_weights().set_requires_grad(true);
  const auto score = rw::dorefa{}.start_weights(inside)(w, bit_width{2}).values().square().sum();
  const auto g = torch::autograd::grad({score}, {w}, {}, true, true)[0];
  const auto gg = torch::autograd::grad({g.square().sum()}, {w})[0];
  CHECK(gg.isfinite().all().item<bool>());
  CHECK(gg.abs().sum().item<double>() > 0);
}

TEST_CASE("quantizers keep their laws")
{
  rw::laws::hold_for(rw::dorefa{});
  rw::laws::hold_for(rw::dorefa{rw::dorefa_gradient::detached});
  rw::laws::hold_for(rw::lsq{});
  rw::laws::hold_for(rw::lsq{.weight_signs = rw::code_signs::narrow_codes, .per_channel = true});
  rw::laws::hold_for(rw::lsq_plus{});
  rw::laws::hold_for(rw::lsq_plus{.per_channel = true, .start = rw::range_start::min_max});
  rw::laws::hold_for(rw::pact{});
  rw::laws::hold_for(rw::pact{.clip = 2, .decay = .1, .gradient = rw::pact_gradient::clip_only});
  rw::laws::hold_for(rw::no_quantizer{});
}

TEST_CASE("a zero point and a scale make values of levels")
{
  const rw::quantized q{.levels = doubles({0, 1, 3}),
                        .scale = torch::full({}, .5, torch::kFloat64),
                        .zero_point = 1,
                        .is_integer = true};
  CHECK(torch::equal(q.values(), doubles({-.5, 0, 1})));
}

TEST_CASE("schemes keep their laws and exempt what they say")
{
  const rw::per_layer named{.layers = {{"stage1.2.convolution1", {bit_width{4}, bit_width{8}}}},
                            .otherwise = rw::inner_bits<2>};
  rw::laws::hold_for(rw::full_precision{});
  rw::laws::hold_for(rw::all_alike{});
  rw::laws::hold_for(rw::inner_bits<1, 4>);
  rw::laws::hold_for(named);

  const rw::layer_id first{"stem", rw::layer_kind::convolution, 0, 3};
  const rw::layer_id shortcut{"s", rw::layer_kind::shortcut, 1, 3};
  const rw::layer_id last{"classifier", rw::layer_kind::linear, 2, 3};
  const rw::layer_bits full{}, two{bit_width{2}, bit_width{2}};
  CHECK(rw::full_precision{}(shortcut) == full);
  for (const auto& place : {first, shortcut, last}) CHECK(rw::all_alike{}(place) == two);
  CHECK(rw::full_precision_ends{}(first) == full);
  CHECK(rw::full_precision_ends{}(last) == full);
  CHECK(rw::full_precision_ends{}(shortcut) == two);
  CHECK(rw::inner_bits<1, 4>(inside) == rw::layer_bits{bit_width{1}, bit_width{4}});
  CHECK(named(first) == full);
  CHECK(named({"stage1.2.convolution1"}) == rw::layer_bits{bit_width{4}, bit_width{8}});
}

TEST_CASE("a scheme by name refuses names that no layer has and names listed twice")
{
  const std::vector<rw::layer_id> places{{"stem", rw::layer_kind::convolution, 0, 2},
                                         {"classifier", rw::layer_kind::linear, 1, 2}};
  rw::per_layer<> scheme{.layers = {{"stem", {}}}};
  CHECK_NOTHROW(rw::check_scheme(scheme, places));
  CHECK_NOTHROW(rw::check_scheme(rw::all_alike{}, places));
  scheme.layers.push_back({"stam", {}});
  CHECK_THROWS_WITH_AS(rw::check_scheme(scheme, places),
                       "rolewise: per_layer: the network has no layer stam; the nearest of its 2 "
                       "are stem or classifier",
                       std::invalid_argument);
  scheme.layers.back().layer = "stem";
  CHECK_THROWS_WITH_AS(rw::check_scheme(scheme, places),
                       "rolewise: per_layer: layer stem is listed twice", std::invalid_argument);
  CHECK_THROWS_WITH_AS(rw::bit_width{33}, "rolewise: bit_width must lie in 1 .. 32",
                       std::invalid_argument);
}

TEST_CASE(
    "dorefa's weights that are all tiny have the codes of their multiples, and finite gradients")
{
  torch::manual_seed(6);
  for (const auto& shape : {std::vector<std::int64_t>{4, 3, 3, 3}, std::vector<std::int64_t>{40}})
    for (const double size : {1e-20, 1e-24, 1e-30, 1e-37, 1e-38, 1e-40, 1e-43})
      for (const int bits : {2, 4, 8})
        for (const auto how : {rw::dorefa_gradient::exact, rw::dorefa_gradient::detached}) {
          CAPTURE(size);
          CAPTURE(bits);
          // Integer multiples of `unit`, so that none of them is rounded.
          const auto whole = torch::randint(-7, 8, shape, torch::kDouble)
                                 .index_fill_(0, torch::tensor({0}, torch::kLong), 7.0);
          const auto unit = std::max(std::ldexp(1.0, std::ilogb(size)), 0x1p-146);
          const auto large = (whole * 0x1p-30).to(torch::kFloat).set_requires_grad(true);
          const auto tiny = (whole * unit).to(torch::kFloat).set_requires_grad(true);
          const auto wide = (whole * unit).set_requires_grad(true);
          const auto q = rw::dorefa{how}.start_weights(inside);
          const auto g = torch::randn(shape);
          const auto values = q(tiny, bit_width{bits}).values();
          CHECK(torch::equal(values, q(large, bit_width{bits}).values()));
          CHECK(near(values, q(wide, bit_width{bits}).values(), 1e-6));
          values.backward(g);
          q(wide, bit_width{bits}).values().backward(g.to(torch::kDouble));
          q(large, bit_width{bits}).values().backward(g);
          CHECK(tiny.grad().isfinite().all().item<bool>());
          CHECK(tiny.grad().abs().sum().item<double>() > 0);
          // The gradient is parallel to that of `large`; its length grows by 1/m, m the largest
          // weight, up to 2^80.
          const double growth = std::min(1 / (7 * unit), 0x1p80) * (7 * 0x1p-30);
          const auto expected = large.grad().to(torch::kDouble) * growth;
          const auto most = expected.abs().max().item<double>();
          CHECK(near(tiny.grad().to(torch::kDouble) / most, expected / most, 2e-6));
          CHECK(near(wide.grad() / most, expected / most, 2e-6));
          // The twice differentiable form uses no kernels.
          const auto again = (whole * unit).to(torch::kFloat).set_requires_grad(true);
          const auto by_tensors = torch::autograd::grad({q(again, bit_width{bits}).values()},
                                                        {again}, {g}, true, true)[0];
          CHECK(near(by_tensors.to(torch::kDouble) / most, expected / most, 2e-6));
        }
}
