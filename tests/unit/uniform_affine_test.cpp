// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/quantizer.hpp"
#include "laws/quantizer_acceptance.hpp"

#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/freeze_ranges.hpp>
#include <rolewise/quant/uniform_affine.hpp>

#include <ATen/ops/fake_quantize_per_channel_affine.h>
#include <ATen/ops/fake_quantize_per_tensor_affine.h>
#include <ATen/ops/fused_moving_avg_obs_fake_quant.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

namespace rw = rolewise;
using rw::affine_form;
using rw::bit_width;
using rw::granularity;
using rw::phase;

namespace {

const rw::layer_id inside{"stage1.0.convolution1", rw::layer_kind::convolution, 1, 3};

torch::Tensor doubles(const std::vector<double>& values)
{
  return torch::tensor(values, torch::kFloat64);
}
torch::Tensor floats(const std::vector<double>& values)
{
  return doubles(values).to(torch::kFloat);
}

bool near(const torch::Tensor& a, const torch::Tensor& b, double tolerance = 5e-7)
{
  return torch::allclose(a.detach().to(torch::kFloat64).flatten(),
                         b.detach().to(torch::kFloat64).flatten(), 0.0, tolerance);
}

rw::value_range between(double lowest, double highest)
{
  return {torch::full({}, lowest, torch::kFloat64), torch::full({}, highest, torch::kFloat64)};
}

/// Scale and zero point.
std::pair<double, double> parameters(const rw::affine_codes& codes, double lowest, double highest)
{
  const auto p = codes.parameters(between(lowest, highest));
  return {p.scale.item<double>(), p.zero_point.item<double>()};
}

rw::batch images(std::int64_t count, double scale = 1.0)
{
  return {torch::randn({count, 1, 12, 10}) * scale,
          torch::zeros(count, torch::kLong),
          torch::arange(count),
          {}};
}

const rw::sample_shape small{.channels = 1, .height = 12, .width = 10, .classes = 5};

using min_max = rw::uniform_affine<rw::min_max_range, rw::min_max_range>;
using by_chance =
    rw::uniform_affine<rw::min_max_range, rw::min_max_range, rw::round_stochastically>;

/// The observed buffers of a network.
template<typename Network>
torch::Tensor ranges_of(const Network& network)
{
  std::vector<torch::Tensor> found;
  for (const auto& b : network.buffers())
    if (b.name.find("quantizer") != std::string::npos) found.push_back(b.value.flatten());
  return torch::cat(found).clone();
}

}  // namespace

TEST_CASE("scales and zero points are those of the reference")
{
  const rw::affine_codes four{{0, 15}, affine_form::asymmetric};
  const auto check = [](std::pair<double, double> found, double scale, double zero_point) {
    CHECK(found.first == doctest::Approx(scale).epsilon(1e-6).scale(0));
    CHECK(found.second == zero_point);
  };
  check(parameters(four, -1, 3), .2666666667, 4);
  check(parameters(four, 1, 3), .2, 0);
  check(parameters(four, -3, -1), .2, 15);
  check(parameters(four, 0, 0), 0x1p-23, 0);
  check(parameters(rw::signed_codes(bit_width{4}, affine_form::symmetric_full), -1, 3), .4, 0);
  check(parameters(rw::signed_codes(bit_width{4}, affine_form::symmetric), -1, 3), .4285714286, 0);
  check(parameters({{0, 255}, affine_form::symmetric_full}, -1, 3), 6. / 255, 128);
  check(parameters({{0, 15}, affine_form::symmetric_full}, -1, 3), .4, 7);
  check(parameters({{0, 15}, affine_form::symmetric}, 0, 3), .2, 0);
  CHECK(
      (rw::signed_codes(bit_width{8}, affine_form::symmetric).codes == rw::level_range{-127, 127}));
  CHECK((rw::signed_codes(bit_width{8}, affine_form::symmetric_full).codes ==
         rw::level_range{-128, 127}));
  CHECK((rw::activation_codes(bit_width{8}, affine_form::asymmetric).codes ==
         rw::level_range{0, 255}));
  CHECK_THROWS_WITH_AS((void)rw::signed_codes(bit_width{1}, affine_form::symmetric),
                       "rolewise: affine_codes: symmetric codes want at least 2 bits, got 1",
                       std::invalid_argument);
}

TEST_CASE("activations have the values of the reference")
{
  auto state = min_max{}.start_activations(inside);
  state.observe(floats({-1, 3}), bit_width{4});
  const auto q = state(floats({-1.3, -1, -.1, 0, .5, 1.1, 3, 3.3}), bit_width{4});
  CHECK(q.zero_point == 4);
  CHECK(near(q.values(),
             doubles({-1.066667, -1.066667, 0, 0, .533333, 1.066667, 2.933333, 2.933333})));
  CHECK(q.values()[3].item<float>() == 0);
  // After a ReLU the zero point is 0.
  auto rectified = min_max{}.start_activations(inside);
  rectified.observe(floats({0, 3}), bit_width{2});
  CHECK(rectified(floats({0, 1, 3}), bit_width{2}).zero_point == 0);
}

TEST_CASE("halves go to even before the zero point is added, and gradients pass to where codes end")
{
  const rw::affine_codes codes{{-2, 3}, affine_form::asymmetric};
  const auto with = [&](const torch::Tensor& x, double zero_point, const rw::affine_codes& c) {
    return rw::detail::affine_quantized(
        x, x.detach(), {torch::full({}, .5f), torch::full({}, static_cast<float>(zero_point))}, c,
        rw::round_to_nearest::state{});
  };
  const auto x = floats({-1.25, -.75, -.5, -.25, .25, .5, .75, 1.25, 1.75, 1.8});
  const auto leaf = x.clone().set_requires_grad(true);
  const auto y = with(leaf, 0, codes).values();
  CHECK(torch::equal(y, floats({-1, -1, -.5, 0, 0, .5, 1, 1, 1.5, 1.5})));
  y.backward(torch::full_like(y, 2));
  CHECK(torch::equal(leaf.grad(), floats({2, 2, 2, 2, 2, 2, 2, 2, 0, 0})));
  CHECK(torch::equal(y, at::fake_quantize_per_tensor_affine(x, .5, 0, -2, 3)));
  CHECK(with(floats({.25}), 1, {{0, 3}}).levels.item<float>() == 1);
}

TEST_CASE("values and gradients are LibTorch's fake_quantize, bit by bit")
{
  torch::manual_seed(1);
  const auto same = [](const torch::Tensor& x, const auto& ours, const auto& theirs) {
    const auto a = x.clone().set_requires_grad(true), b = x.clone().set_requires_grad(true);
    const auto g = torch::randn_like(x);
    const auto mine = ours(a), reference = theirs(b);
    CHECK(torch::equal(mine, reference));
    mine.backward(g);
    reference.backward(g);
    CHECK(torch::equal(a.grad(), b.grad()));
  };
  for (const int bits : {2, 4, 8})
    for (const auto form :
         {affine_form::symmetric, affine_form::symmetric_full, affine_form::asymmetric}) {
      CAPTURE(bits);
      CAPTURE(static_cast<int>(form));
      const bit_width width{bits};
      const auto codes = rw::signed_codes(width, form);
      const auto [first, last] = codes.codes;
      const auto w = torch::randn({7, 5, 3, 3}) + .3;

      const min_max per_tensor{.weight_form = form, .weight_scales = granularity::per_tensor};
      const auto q = per_tensor.start_weights(inside)(w, width);
      same(
          w,
          [&](const torch::Tensor& t) {
            return per_tensor.start_weights(inside)(t, width).values();
          },
          [&](const torch::Tensor& t) {
            return at::fake_quantize_per_tensor_affine(t, q.scale.item<float>(), q.zero_point,
                                                       first, last);
          });

      const min_max per_channel{.weight_form = form};
      const auto p = codes.parameters({w.flatten(1).amin(1), w.flatten(1).amax(1)});
      CHECK(torch::equal(per_channel.start_weights(inside)(w, width).scale.flatten(), p.scale));
      same(
          w,
          [&](const torch::Tensor& t) {
            return per_channel.start_weights(inside)(t, width).values();
          },
          [&](const torch::Tensor& t) {
            return at::fake_quantize_per_channel_affine(t, p.scale, p.zero_point.to(torch::kInt), 0,
                                                        first, last);
          });

      auto state = min_max{.activation_form = form}.start_activations(inside);
      state.observe(w.slice(0, 0, 4), width);  // so that the others are clipped
      const auto seen = state(w, width);
      const auto of_activations = rw::activation_codes(width, form).codes;
      const auto x = w.contiguous(torch::MemoryFormat::ChannelsLast);
      same(
          x, [&](const torch::Tensor& t) { return state(t, width).values(); },
          [&](const torch::Tensor& t) {
            return at::fake_quantize_per_tensor_affine(t, seen.scale.item<float>(), seen.zero_point,
                                                       of_activations.lowest,
                                                       of_activations.highest);
          });
    }
}

TEST_CASE("moving averages are those of the reference and LibTorch's")
{
  auto state = rw::uniform_affine<>{}.start_activations(inside);
  for (const double highest : {1., 2., 3.}) state.observe(floats({0, highest}), bit_width{8});
  CHECK(near(state.range().highest, doubles({1.0299})));

  torch::manual_seed(2);
  auto other = rw::uniform_affine<>{}.start_activations(inside);
  const auto on = torch::ones({1}, torch::kLong);
  auto lowest = torch::full({1}, std::numeric_limits<float>::infinity()), highest = -lowest;
  auto scale = torch::ones({1});
  auto zero_point = torch::zeros({1}, torch::kInt);
  for (int batch = 0; batch < 20; ++batch) {
    const auto x = torch::randn({50}) * (batch + 1);
    other.observe(x, bit_width{8});
    const auto theirs = at::fused_moving_avg_obs_fake_quant(x, on, on, lowest, highest, scale,
                                                            zero_point, .01, 0, 255, 0);
    CHECK(near(other.range().lowest, lowest, 1e-6));
    CHECK(near(other.range().highest, highest, 1e-6));
    CHECK(near(other(x, bit_width{8}).values(), theirs, 1e-5));
  }
}

TEST_CASE("per channel every filter has the codes of the reference")
{
  const auto w = torch::stack({doubles({.45, -1, .25}), doubles({.1, .06, -.02})});
  const auto q = min_max{}.start_weights(inside)(w, bit_width{4});
  CHECK(q.scale.sizes() == torch::IntArrayRef{2, 1});
  CHECK(near(q.scale, doubles({.142857, .014286})));
  CHECK(torch::equal(q.levels, torch::stack({doubles({3, -7, 2}), doubles({7, 4, -1})})));
  CHECK((q.range == rw::level_range{-7, 7}));
  const min_max together{.weight_scales = granularity::per_tensor};
  CHECK(
      torch::equal(together.start_weights(inside)(w, bit_width{4}).levels[1], doubles({1, 0, 0})));
  // Zero points differ per channel, so they are subtracted from the codes.
  const min_max shifted{.weight_form = affine_form::asymmetric};
  const auto s = shifted.start_weights(inside)(w + .5, bit_width{4});
  CHECK(s.zero_point == 0);
  CHECK((s.range == rw::level_range{-15, 15}));
  CHECK(near(s.values(), w + .5, .08));
}

TEST_CASE("percentiles are order statistics, mirrored below")
{
  const auto rows = (torch::arange(1, 101) * .1).to(torch::kFloat64).unsqueeze(0);
  const auto range = rw::percentile_range{.percent = 99}.newest(rows, {});
  CHECK(range.highest.item<double>() == doctest::Approx(9.9));
  CHECK(range.lowest.item<double>() == doctest::Approx(.2));
  const auto mirrored = rw::percentile_range{.percent = 99}.newest(-rows, {});
  CHECK(torch::equal(mirrored.lowest, -range.highest));
  CHECK(torch::equal(mirrored.highest, -range.lowest));
  const auto whole = rw::percentile_range{.percent = 100}.newest(rows, {});
  CHECK(whole.highest.item<double>() == doctest::Approx(10));
  CHECK(whole.lowest.item<double>() == doctest::Approx(.1));
  CHECK(rw::percentile_range{}.newest(torch::ones({1, 1}), {}).highest.item<double>() == 1);
  CHECK_THROWS_WITH_AS((void)rw::percentile_range{.percent = 50}.newest(rows, {}),
                       "rolewise: percentile_range: percent is 50, want (50, 100]",
                       std::invalid_argument);
  const auto [lowest, highest] =
      rw::percentile_range{.weight = .5}.joined(between(0, 1), between(-1, 3));
  CHECK(lowest.item<double>() == -.5);
  CHECK(highest.item<double>() == 2);
}

TEST_CASE("the range of least squared error is that of trying all of them")
{
  torch::manual_seed(3);
  for (const auto& codes : {rw::activation_codes(bit_width{3}, affine_form::asymmetric),
                            rw::signed_codes(bit_width{3}, affine_form::symmetric)}) {
    const auto rows = torch::randn({3, 80}, torch::kFloat64).pow(3);
    const auto found = rw::squared_error_range{}.newest(rows, codes);
    for (std::int64_t row = 0; row < 3; ++row) {
      double least = std::numeric_limits<double>::infinity(), best = 0;
      for (int i = 0; i < 95; ++i) {
        const double lowest = rows[row].min().item<double>() * (1 - .01 * i);
        const double highest = rows[row].max().item<double>() * (1 - .01 * i);
        const auto [s, z] = parameters(codes, lowest, highest);
        double error = 0;
        for (std::int64_t j = 0; j < 80; ++j) {
          const double x = rows[row][j].item<double>();
          const double code =
              std::clamp(std::nearbyint(x * (1 / s)) + z, static_cast<double>(codes.codes.lowest),
                         static_cast<double>(codes.codes.highest));
          error += std::pow((code - z) * s - x, 2);
        }
        if (error < least * (1 - 1e-12)) least = error, best = highest;
      }
      CHECK(found.highest[row].item<double>() == doctest::Approx(best).epsilon(1e-12).scale(0));
      CHECK(best < rows[row].max().item<double>());
    }
  }
  CHECK_THROWS_AS((void)rw::squared_error_range{.tries = 0}.newest(torch::ones({1, 2}), {}),
                  std::invalid_argument);
  CHECK_THROWS_AS((void)rw::squared_error_range{.tries = 101}.newest(torch::ones({1, 2}), {}),
                  std::invalid_argument);
}

TEST_CASE("ranges grow, stop after so many batches or when told, and are never zero")
{
  auto state = min_max{.observed_batches = 3}.start_activations(inside);
  const auto x = floats({0, 1});
  // Not observed yet: the tensor's own range.
  CHECK(near(state(x * 5, bit_width{8}).values(), x * 5, 1e-5));
  const auto highest = [&] { return state.range().highest.item<float>(); };
  state.observe(x * 2, bit_width{8});
  state.observe(x, bit_width{8});
  CHECK(highest() == 2);
  state.observe(torch::empty({0}), bit_width{8});
  CHECK(state.observed() == 2);
  state.freeze();
  state.observe(x * 9, bit_width{8});
  CHECK(highest() == 2);
  state.freeze(false);
  state.observe(x * 4, bit_width{8});
  state.observe(x * 9, bit_width{8});
  CHECK(highest() == 4);
  CHECK(state.observed() == 3);

  // A first batch of zeros counts as observed.
  auto late = rw::uniform_affine<>{}.start_activations(inside);
  late.observe(torch::zeros({3}), bit_width{4});
  CHECK(late(torch::zeros({3}), bit_width{4}).values().count_nonzero().item<std::int64_t>() == 0);
  late.observe(x, bit_width{4});
  CHECK(late.range().highest.item<float>() == doctest::Approx(.01));
  auto restored = rw::uniform_affine<>{}.start_activations(inside);
  rw::restore(restored, rw::snapshot_of(late));
  restored.observe(x, bit_width{4});
  CHECK(restored.range().highest.item<float>() == doctest::Approx(.0199));

  CHECK_THROWS_WITH_AS(late.observe(floats({1, std::nan("")}), bit_width{4}),
                       "rolewise: uniform-affine: activations that enter layer "
                       "stage1.0.convolution1 are not all finite numbers",
                       std::runtime_error);
  CHECK(late.range().highest.item<float>() == doctest::Approx(.01));
  CHECK(late.observed() == 2);
}

TEST_CASE("a network observes in training alone, and not once its ranges are frozen")
{
  torch::manual_seed(4);
  auto network = rw::resnet8(small, rw::uniform_affine<>{}, rw::inner_bits<4>);
  const auto start = ranges_of(network);
  CHECK(start.numel() > 4);
  (void)network.predict(images(4));
  CHECK(torch::equal(ranges_of(network), start));
  (void)network.forward(images(4));
  const auto once = ranges_of(network);
  CHECK_FALSE(torch::equal(once, start));
  auto copy = network;
  (void)copy.forward(images(4, 3));
  CHECK_FALSE(torch::equal(ranges_of(copy), once));
  CHECK(torch::equal(ranges_of(network), once));
  rw::freeze_ranges(network);
  (void)network.forward(images(4, 3));
  CHECK(torch::equal(ranges_of(network), once));
  rw::freeze_ranges(network, false);
  (void)network.forward(images(4, 3));
  CHECK_FALSE(torch::equal(ranges_of(network), once));
}

TEST_CASE("a layer's product is that of the values, for every form of codes")
{
  torch::manual_seed(5);
  for (const auto form :
       {affine_form::symmetric, affine_form::symmetric_full, affine_form::asymmetric})
    for (const auto shared : {granularity::per_tensor, granularity::per_channel})
      for (const int bits : {2, 4, 8}) {
        const min_max q{.weight_form = form, .weight_scales = shared, .activation_form = form};
        const rw::planned_layer plan{inside, {bit_width{bits}, bit_width{bits}}};
        rw::convolution<min_max> layer{q, plan, {.in = 3, .out = 6, .stride = 2}, {}};
        rw::activation<min_max> before{q, plan};
        torch::Tensor latent;
        rw::for_each_tensor(
            layer, [&](const std::string&, torch::Tensor& t, rw::tensor_kind) { latent = t; });
        const auto x = torch::randn({2, 3, 7, 7}).set_requires_grad(true);
        const auto in = before.of_rectified(x, phase::training);
        const auto w = q.start_weights(inside)(latent, bit_width{bits});
        const auto expected = torch::conv2d(in.values(), w.values(), {}, 2, 1);
        const auto y = layer(in, phase::training);
        CHECK(torch::allclose(y, expected, 1e-4, 1e-4));
        const auto g = torch::randn_like(y);
        const auto ours = torch::autograd::grad({y}, {x, latent}, {g}, true);
        const auto theirs = torch::autograd::grad({expected}, {x, latent}, {g});
        CHECK(torch::allclose(ours[0], theirs[0], 1e-4, 1e-4));
        CHECK(torch::allclose(ours[1], theirs[1], 1e-4, 1e-4));
      }
}

TEST_CASE("stochastic rounding is right in the mean, keeps whole numbers and can be repeated")
{
  const rw::round_stochastically rounding{.seed = rw::seed{11}};
  auto state = rounding.start(inside, rw::purpose{"x"}), again = state;
  const auto x = floats({2.3, -2.3, -.75, 5, -4, 0, 1e-9});
  auto sum = torch::zeros_like(x);
  constexpr int steps = 5000;
  for (int step = 0; step < steps; ++step) {
    state.advance();
    again.advance();
    const auto rounded = state(x);
    REQUIRE(torch::equal(rounded, again(x)));
    REQUIRE(((rounded - x).abs() < 1).all().item<bool>());
    sum += rounded;
  }
  CHECK(near(sum / steps, x, .025));
  CHECK(torch::equal((sum / steps).slice(0, 3, 6), x.slice(0, 3, 6)));

  // Draws differ by layer, purpose, seed and step; they do not depend on the memory format.
  const auto many = torch::full({2, 8, 8, 8}, .5f);
  const auto rounded = state(many);
  rw::layer_id elsewhere = inside;
  elsewhere.name = "other";
  for (auto other :
       {rounding.start(elsewhere, rw::purpose{"x"}), rounding.start(inside, rw::purpose{"y"}),
        rw::round_stochastically{.seed = rw::seed{12}}.start(inside, rw::purpose{"x"})}) {
    for (int step = 0; step < steps; ++step) other.advance();
    CHECK_FALSE(torch::equal(other(many), rounded));
  }
  CHECK(torch::equal(state(many.contiguous(torch::MemoryFormat::ChannelsLast)), rounded));
  state.advance();
  CHECK_FALSE(torch::equal(state(many), rounded));
  const auto drawn = rw::uniform_for_elements(rw::seed{3}, 9, torch::zeros({3, 5}));
  CHECK(drawn[1][2].item<float>() == static_cast<float>(rw::draws{rw::seed{3}, 9, 0}.uniform(7)));
}

TEST_CASE("uniform-affine rounds by chance in training alone, and goes on after a restart")
{
  torch::manual_seed(6);
  const by_chance q{.rounding = {.seed = rw::seed{13}}};
  const auto w = torch::randn({3, 4, 3, 3}), x = torch::rand({2, 4, 5, 5});
  const auto nearest = min_max{}.start_weights(inside)(w, bit_width{3}).values();
  auto weights = q.start_weights(inside);
  auto activations = q.start_activations(inside);
  for (int step = 0; step < 3; ++step) {
    weights.observe(w, bit_width{3});
    activations.observe(x, bit_width{3});
  }
  CHECK(torch::equal(rw::quantized_in(phase::evaluation, weights, w, bit_width{3}).values(),
                     nearest));
  const auto progress = rw::quantized_in(phase::training, weights, w, bit_width{3}).values();
  CHECK_FALSE(torch::equal(progress, nearest));
  CHECK(((progress - w).abs() <= w.abs().flatten(1).amax(1).view({3, 1, 1, 1}) / 3 * 1.0001)
            .all()
            .item<bool>());
  CHECK_FALSE(
      torch::equal(rw::quantized_in(phase::training, activations, x, bit_width{3}).values(),
                   rw::quantized_in(phase::evaluation, activations, x, bit_width{3}).values()));
  auto resumed = q.start_weights(inside);
  rw::restore(resumed, rw::snapshot_of(weights));
  weights.observe(w, bit_width{3});
  resumed.observe(w, bit_width{3});
  CHECK(torch::equal(std::as_const(resumed)(w, bit_width{3}).values(),
                     std::as_const(weights)(w, bit_width{3}).values()));
  CHECK_FALSE(torch::equal(std::as_const(weights)(w, bit_width{3}).values(), progress));
}

TEST_CASE("16-bit activations are rounded in single precision")
{
  torch::manual_seed(7);
  auto state = min_max{}.start_activations(inside);
  const auto x = torch::rand({500}).to(torch::kBFloat16);
  state.observe(x, bit_width{8});
  const auto leaf = x.clone().set_requires_grad(true);
  const auto q = state(leaf, bit_width{8});
  CHECK(torch::equal(q.levels, state(x.to(torch::kFloat), bit_width{8}).levels));
  CHECK((q.values().scalar_type() == torch::kBFloat16));
  q.values().sum().backward();
  CHECK((leaf.grad().scalar_type() == torch::kBFloat16));
}

TEST_CASE("uniform-affine is accepted")
{
  using enum affine_form;
  for (const auto form : {symmetric, symmetric_full, asymmetric})
    for (const auto shared : {granularity::per_tensor, granularity::per_channel}) {
      const rw::uniform_affine<> q{
          .weight_form = form, .weight_scales = shared, .activation_form = form};
      const std::vector<int> bits =
          form == symmetric ? std::vector{2, 3, 4, 8} : std::vector{1, 2, 3, 4, 8};
      rw::laws::accept_weights(q, {.bits = bits, .refuses_nan = true});
      rw::laws::accept_activations(q, {.bits = bits});
    }
  rw::laws::hold_for(rw::uniform_affine<>{.weight_form = symmetric_full});
  rw::laws::hold_for(by_chance{.weight_form = asymmetric});
  rw::laws::accept_weights(by_chance{}, {.bits = {2, 4}, .refuses_nan = true});
  rw::laws::accept_activations(by_chance{}, {.bits = {2, 4}});
  const rw::uniform_affine<rw::squared_error_range, rw::squared_error_range> searched{
      .of_weights = {.tries = 20}, .of_activations = {.tries = 20}};
  rw::laws::accept_weights(searched, {.bits = {3}, .refuses_nan = true});
  rw::laws::accept_activations(searched, {.bits = {3}});
  const rw::uniform_affine<rw::percentile_range, rw::percentile_range> cut{
      .of_weights = {.percent = 90}, .of_activations = {.percent = 90}};
  rw::laws::accept_weights(cut, {.bits = {3}});  // a NaN may lie beyond the percentile
  rw::laws::accept_activations(cut, {.bits = {3}});
}
