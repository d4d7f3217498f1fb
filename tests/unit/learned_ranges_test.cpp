// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/lsq_plus.hpp>
#include <rolewise/quant/pact.hpp>
#include <rolewise/train/snapshot.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
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
  return a.sizes() == b.sizes() && torch::allclose(a.detach().to(torch::kFloat64),
                                                   b.detach().to(torch::kFloat64), 0.0, tolerance);
}

/// An archive that sets ranges to given numbers in double precision, and records all ranges.
struct ranges {
  std::map<std::string, torch::Tensor> set;
  std::map<std::string, torch::Tensor> found{};

  void range(std::string_view name, torch::Tensor& t)
  {
    const auto known = set.find(std::string{name});
    if (known != set.end()) t = known->second.clone().set_requires_grad(true);
    found[std::string{name}] = t;
  }
  void parameter(std::string_view, torch::Tensor&) {}
  void buffer(std::string_view, torch::Tensor&) {}
  template<rw::PlainState T>
  void value(std::string_view, T& x)
  {
    if constexpr (std::is_same_v<T, bool>)
      if (!set.empty()) x = true;
  }
  template<typename Part>
  void part(std::string_view, Part& inner)
  {
    inner.visit_state(*this);
  }
};

template<typename State>
State with(State state, std::map<std::string, torch::Tensor> numbers)
{
  ranges archive{std::move(numbers)};
  state.visit_state(archive);
  return state;
}

template<typename State>
torch::Tensor range_of(State& state, const std::string& name)
{
  ranges archive{{}};
  state.visit_state(archive);
  return archive.found.at(name);
}

torch::Tensor number(double value) { return torch::full({}, value, torch::kFloat64); }

/// The gradients of each single output value with respect to a range and to x.
template<typename State>
std::pair<torch::Tensor, torch::Tensor> element_gradients(State& state, const torch::Tensor& x,
                                                          int bits, const std::string& range)
{
  const auto leaf = x.clone().set_requires_grad(true);
  const auto learned = range_of(state, range);
  const auto values = std::as_const(state)(leaf, bit_width{bits}).values();
  std::vector<torch::Tensor> of_range, of_x;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    auto one = torch::zeros_like(x);
    one[i] = 1;
    const auto found = torch::autograd::grad({values}, {learned, leaf}, {one}, true);
    of_range.push_back(found[0]);
    of_x.push_back(found[1][i]);
  }
  return {torch::stack(of_range), torch::stack(of_x)};
}

const std::vector<double> v_numbers{-1.3, -.4, -.1, .2, .55, 1};

}  // namespace

TEST_CASE("lsq's weights have the codes and gradients of the reference")
{
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    CAPTURE(type);
    const auto v = doubles(v_numbers).to(type);
    auto state = with(rw::lsq{}.start_weights(inside), {{"step", number(.3).to(type)}});
    const auto q = state(v, bit_width{3});
    CHECK((q.levels.scalar_type() == (type == torch::kFloat32 ? torch::kChar : type)));
    CHECK(near(q.levels, doubles({-4, -1, 0, 1, 2, 3}), 0));
    CHECK(near(q.values(), doubles({-1.2, -.3, 0, .3, .6, .9}), 1e-6));
    CHECK(q.range == rw::level_range{-4, 3});

    const double scale = 1 / std::sqrt(6 * 3.0);
    CHECK(scale == doctest::Approx(.235702).epsilon(3e-6).scale(0));
    const auto [of_step, of_v] = element_gradients(state, v, 3, "step");
    CHECK(near(of_step / scale, doubles({-4, 1. / 3, 1. / 3, 1. / 3, 1. / 6, 3}), 2e-6));
    CHECK(near(of_v, doubles({0, 1, 1, 1, 1, 0}), 0));
    CHECK(of_step.sum().item<double>() == doctest::Approx(.039284).epsilon(2e-5).scale(0));

    auto fresh = rw::lsq{}.start_weights(inside);
    fresh.observe(v, bit_width{3});
    CHECK(fresh.step().item<double>() == doctest::Approx(.683198).epsilon(1e-6).scale(0));
  }
}

TEST_CASE("lsq's narrow codes have as many below 0 as above")
{
  const rw::lsq narrow{.weight_signs = rw::code_signs::narrow_codes};
  const auto state = with(narrow.start_weights(inside), {{"step", number(.3)}});
  const auto q = state(doubles(v_numbers), bit_width{3});
  CHECK(near(q.levels, doubles({-3, -1, 0, 1, 2, 3}), 0));
  CHECK(q.range == rw::level_range{-3, 3});
  const rw::lsq unsigned_weights{.weight_signs = rw::code_signs::unsigned_codes};
  CHECK_THROWS_WITH_AS(
      (void)unsigned_weights.start_weights(inside),
      "rolewise: lsq: weights have both signs; want signed or narrow codes for them",
      std::invalid_argument);
}

TEST_CASE("lsq's activations have the codes and gradients of the reference")
{
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    CAPTURE(type);
    const auto x = doubles({0, .2, .44, .8, 1.2}).to(type);
    auto state = with(rw::lsq{}.start_activations(inside), {{"step", number(.3).to(type)}});
    const auto q = state(x, bit_width{2});
    CHECK((q.levels.scalar_type() == (type == torch::kFloat32 ? torch::kByte : type)));
    CHECK(near(q.levels, doubles({0, 1, 1, 3, 3}), 0));
    const auto [of_step, of_x] = element_gradients(state, x, 2, "step");
    CHECK(near(of_step * std::sqrt(15.0), doubles({0, 1. / 3, -.4666667, 1. / 3, 3}), 2e-6));
    CHECK(near(of_x, doubles({0, 1, 1, 1, 0}), 0));
  }
  const rw::lsq by_features{.counted = rw::step_gradient_count::features};
  auto state = with(by_features.start_activations(inside), {{"step", number(.5)}});
  const auto x = torch::full({4, 3}, 9.0, torch::kFloat64);
  const auto s = range_of(state, "step");
  const auto g = torch::autograd::grad({state(x, bit_width{2}).values().sum()}, {s})[0];
  CHECK(g.item<double>() == doctest::Approx(12 * 3 / std::sqrt(3 * 3.0)).epsilon(1e-12).scale(0));
}

TEST_CASE("lsq's signed activations are unsigned bytes around a zero point")
{
  using signed_lsq = rw::basic_lsq<rw::code_signs::signed_codes>;
  static_assert(!rw::rectifies<signed_lsq>());
  static_assert(rw::rectifies<rw::lsq>());
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    const auto v = doubles(v_numbers).to(type);
    const auto state =
        with(signed_lsq{}.start_activations(inside), {{"step", number(.3).to(type)}});
    const auto q = state(v, bit_width{3});
    CHECK(q.zero_point == 4);
    CHECK(near(q.levels, doubles({0, 3, 4, 5, 6, 7}), 0));
    CHECK(q.range == rw::level_range{0, 7});
    CHECK(near(q.values(), doubles({-1.2, -.3, 0, .3, .6, .9}), 1e-6));
    CHECK_THROWS_AS((void)state(v, bit_width{1}), std::invalid_argument);
  }
}

TEST_CASE("lsq's one-bit weights are signs times the step")
{
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    const auto v = doubles(v_numbers).to(type);
    auto state = rw::lsq{}.start_weights(inside);
    state.observe(v, bit_width{1});
    CHECK(state.step().item<double>() == doctest::Approx(.591667).epsilon(1e-6).scale(0));
    CHECK(near(state(v, bit_width{1}).values(), doubles({-1, -1, -1, 1, 1, 1}) * .5916667, 1e-6));
    const auto [of_step, of_v] = element_gradients(state, v, 1, "step");
    CHECK(near(of_step, doubles({-1, -1, -1, 1, 1, 1}) * .408248, 1e-6));
    CHECK(near(of_v, torch::ones(6), 0));
    const auto zero = state(torch::zeros({2}, type), bit_width{1});
    CHECK(near(zero.levels, torch::ones(2), 0));
  }
}

TEST_CASE("lsq has a step for each output channel if asked")
{
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    const auto v = torch::stack({doubles(v_numbers), 2 * doubles(v_numbers)}).to(type);
    const auto w = v.view({2, 3, 2, 1});
    auto state = rw::lsq{.per_channel = true}.start_weights(inside);
    state.begin(w);
    CHECK(state.step().sizes() == at::IntArrayRef{2, 1, 1, 1});
    state.observe(w, bit_width{3});
    CHECK(near(state.step().flatten(), doubles({.683198, 2 * .683198}), 1e-6));
    const auto q = state(w, bit_width{3});
    CHECK(torch::equal(q.levels[0], q.levels[1]));
    const auto s = range_of(state, "step");
    const auto leaf = w.clone().set_requires_grad(true);
    const auto g = torch::autograd::grad({state(leaf, bit_width{3}).values().sum()}, {s, leaf});
    auto alone = rw::lsq{}.start_weights(inside);
    alone.observe(w[0], bit_width{3});
    const auto one = torch::autograd::grad({alone(w[0], bit_width{3}).values().sum()},
                                           {range_of(alone, "step")})[0];
    CHECK(g[0].sizes() == s.sizes());
    CHECK(near(g[0].flatten(), torch::stack({one, one}) / std::sqrt(2.0), 1e-6));
    CHECK(near(g[1][0], g[1][1], 0));
  }
}

TEST_CASE("lsq obeys its homogeneity: v dv + s ds is the value, and scaling both scales it")
{
  torch::manual_seed(3);
  const auto v = torch::randn({40}, torch::kFloat64);
  auto state = with(rw::lsq{}.start_weights(inside), {{"step", number(.3)}});
  const auto [of_step, of_v] = element_gradients(state, v, 3, "step");
  const auto values = state(v, bit_width{3}).values();
  CHECK(near(v * of_v + .3 * of_step * std::sqrt(40 * 3.0), values, 1e-12));
  const auto doubled = with(rw::lsq{}.start_weights(inside), {{"step", number(.6)}});
  CHECK(near(doubled(2 * v, bit_width{3}).values(), 2 * values, 1e-12));
}

TEST_CASE("lsq+ has the codes and gradients of the reference")
{
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    CAPTURE(type);
    const auto x = doubles({-.6, -.15, .3, .8, 2}).to(type);
    auto state = with(rw::lsq_plus{}.start_activations(inside),
                      {{"step", number(.5).to(type)}, {"offset", number(-.35).to(type)}});
    const auto q = state(x, bit_width{2});
    CHECK(near(q.levels, doubles({0, 0, 1, 2, 3}), 0));
    CHECK(near(q.values(), doubles({-.35, -.35, .15, .65, 1.15}), 1e-6));
    const double root = std::sqrt(15.0);
    CHECK(near(element_gradients(state, x, 2, "step").first * root, doubles({0, -.4, -.3, -.3, 3}),
               2e-6));
    CHECK(near(element_gradients(state, x, 2, "offset").first * root, doubles({1, 0, 0, 0, 1}),
               1e-6));
    CHECK(near(element_gradients(state, x, 2, "offset").second, doubles({0, 1, 1, 1, 0}), 0));
  }
  auto weights = rw::lsq_plus{}.start_weights(inside);
  weights.observe(doubles(v_numbers), bit_width{3});
  CHECK(weights.step().item<double>() == doctest::Approx(.602279).epsilon(1e-6).scale(0));
}

TEST_CASE("lsq+ without an offset is lsq, and follows shifts")
{
  torch::manual_seed(4);
  const auto x = torch::randn({50}, torch::kFloat64);
  const auto at = [&](double offset) {
    return with(rw::lsq_plus{}.start_activations(inside),
                {{"step", number(.25)}, {"offset", number(offset)}});
  };
  const auto plain = with(rw::lsq{}.start_activations(inside), {{"step", number(.25)}});
  const auto values = at(0)(x, bit_width{3}).values();
  CHECK(torch::equal(values, plain(x, bit_width{3}).values()));
  CHECK(near(at(.75)(x + .75, bit_width{3}).values(), values + .75, 1e-12));
}

TEST_CASE("lsq+ starts from the range of the least error, or the whole")
{
  torch::manual_seed(5);
  const auto x = torch::cat({torch::randn({999}), torch::full({1}, 30.0)});
  auto whole = rw::lsq_plus{.start = rw::range_start::min_max}.start_activations(inside);
  auto best = rw::lsq_plus{}.start_activations(inside);
  whole.observe(x, bit_width{4});
  best.observe(x, bit_width{4});
  CHECK(whole.offset().item<double>() == doctest::Approx(x.min().item<double>()));
  CHECK(whole.step().item<double>() ==
        doctest::Approx((30 - x.min().item<double>()) / 15).epsilon(1e-6).scale(0));
  const auto error = [&](const auto& state) {
    return (state(x, bit_width{4}).values() - x).square().mean().template item<double>();
  };
  CHECK(error(best) < error(whole));
  CHECK(best.step().item<double>() < whole.step().item<double>());
  CHECK(best.offset().item<double>() / whole.offset().item<double>() ==
        doctest::Approx(best.step().item<double>() / whole.step().item<double>())
            .epsilon(1e-6)
            .scale(0));
}

TEST_CASE("pact has the values and gradients of the reference")
{
  const std::vector<double> numbers{-.5, .3, 1.4, 2.7, 3.0, 4.2};
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    CAPTURE(type);
    const auto x = doubles(numbers).to(type);
    auto exact = rw::pact{.clip = 3}.start_activations(inside);
    auto paper =
        rw::pact{.clip = 3, .gradient = rw::pact_gradient::clip_only}.start_activations(inside);
    CHECK(near(exact(x, bit_width{2}).values(), doubles({0, 0, 1, 3, 3, 3}), 1e-6));
    CHECK(near(exact(x, bit_width{3}).values(), doubles({0, .428571, 1.285714, 2.571429, 3, 3}),
               1e-6));
    for (const int bits : {2, 3}) {
      const auto of_x = element_gradients(exact, x, bits, "clip").second;
      CHECK(near(of_x, doubles({0, 1, 1, 1, 0, 0}), 0));
    }
    CHECK(near(element_gradients(paper, x, 2, "clip").first, doubles({0, 0, 0, 0, 1, 1}), 0));
    const auto of_clip = element_gradients(exact, x, 2, "clip").first;
    CHECK(near(of_clip, doubles({0, -.1, -.1333333, .1, 1, 1}), 1e-6));
    CHECK(of_clip.sum().item<double>() == doctest::Approx(1.866667).epsilon(1e-6).scale(0));

    auto decayed = rw::pact{.clip = 3, .decay = .001}.start_activations(inside);
    const auto clip = range_of(decayed, "clip");
    const auto g = torch::autograd::grad({decayed(x, bit_width{2}).values().sum() * 0}, {clip})[0];
    CHECK(g.item<double>() == doctest::Approx(.003).epsilon(1e-6).scale(0));
  }
}

TEST_CASE("pact's identities hold")
{
  torch::manual_seed(6);
  const auto x = torch::randn({60}, torch::kFloat64) * 2;
  const double a = 1.75;
  auto state = with(rw::pact{}.start_activations(inside), {{"clip", number(a)}});
  const auto one = with(rw::pact{}.start_activations(inside), {{"clip", number(1)}});
  const auto values = state(x, bit_width{3}).values();
  CHECK(near(values, a * one(x / a, bit_width{3}).values(), 1e-12));
  const auto [of_clip, of_x] = element_gradients(state, x, 3, "clip");
  CHECK(near(x * of_x + a * of_clip, values, 1e-12));
  auto step = with(rw::lsq{}.start_activations(inside), {{"step", number(a / 7)}});
  const auto of_step = element_gradients(step, x, 3, "step").first * std::sqrt(60 * 7.0);
  CHECK(near(of_clip, of_step / 7, 1e-12));

  auto paper = with(rw::pact{.gradient = rw::pact_gradient::clip_only}.start_activations(inside),
                    {{"clip", number(a)}});
  CHECK(near(element_gradients(state, x, 30, "clip").first,
             element_gradients(paper, x, 30, "clip").first, 1e-8));
}

TEST_CASE("pact starts from a percentile of the first batch with positive numbers")
{
  auto state = rw::pact{}.start_activations(inside);
  state.observe(torch::zeros({10}), bit_width{2});
  state.observe(torch::arange(1, 2001).to(torch::kFloat32), bit_width{2});
  CHECK(state.clip().item<double>() == 1998);
  state.observe(torch::full({10}, 7.0), bit_width{4});
  CHECK(state.clip().item<double>() == 1998);
  CHECK_THROWS_WITH_AS((void)rw::pact{.clip = -1}.start_activations(inside),
                       "rolewise: pact: the clip to start from is -1; want a positive number",
                       std::invalid_argument);
  CHECK_THROWS_AS((void)rw::pact{.decay = -1}.start_activations(inside), std::invalid_argument);
}

TEST_CASE("steps start once, keep their range when bits change, and stay positive")
{
  torch::manual_seed(7);
  const auto x = torch::rand({64});
  auto state = rw::lsq{}.start_activations(inside);
  state.observe(torch::zeros({5}), bit_width{4});
  CHECK(near(state(torch::zeros({5}), bit_width{4}).values(), torch::zeros({5}), 0));
  state.observe(x, bit_width{4});
  const auto first = state.step().item<double>();
  CHECK(first ==
        doctest::Approx(2 * x.mean().item<double>() / std::sqrt(15.0)).epsilon(1e-6).scale(0));
  state.observe(3 * x, bit_width{4});
  CHECK(state.step().item<double>() == first);
  state.observe(x, bit_width{2});
  CHECK(state.step().item<double>() == doctest::Approx(first * 15 / 3).epsilon(1e-6).scale(0));
  const auto handle = state.step();
  {
    const torch::NoGradGuard without_graph;
    handle.fill_(-1);
  }
  CHECK(state(x, bit_width{2}).values().isfinite().all().item<bool>());
  state.observe(x, bit_width{2});
  CHECK(handle.item<double>() == doctest::Approx(1e-8));

  auto weights = rw::lsq{}.start_weights(inside);
  weights.observe(x, bit_width{8});
  const auto wide = weights.step().item<double>();
  weights.observe(x, bit_width{1});
  CHECK(weights.step().item<double>() == doctest::Approx(wide * 127).epsilon(1e-6).scale(0));

  auto shifted = rw::lsq_plus{}.start_activations(inside);
  shifted.observe(x, bit_width{3});
  const auto step = shifted.step().item<double>(), offset = shifted.offset().item<double>();
  shifted.observe(x, bit_width{2});
  CHECK(shifted.step().item<double>() == doctest::Approx(step * 7 / 3).epsilon(1e-6).scale(0));
  CHECK(shifted.offset().item<double>() == offset);
}

TEST_CASE("ranges are kept and restored with the knowledge that they have started")
{
  torch::manual_seed(8);
  const auto x = torch::rand({64}), other = 5 * x;
  const auto restored = [&](auto quantizer) {
    auto state = quantizer.start_activations(inside), copy = quantizer.start_activations(inside);
    state.observe(x, bit_width{3});
    const auto kept = rw::snapshot_of(state);
    rw::restore(copy, kept);
    copy.observe(other, bit_width{3});
    CHECK(torch::equal(copy(x, bit_width{3}).values(), state(x, bit_width{3}).values()));
    auto fresh = quantizer.start_activations(inside);
    fresh.observe(other, bit_width{3});
    CHECK_FALSE(torch::equal(fresh(x, bit_width{3}).values(), state(x, bit_width{3}).values()));
  };
  restored(rw::lsq{});
  restored(rw::lsq_plus{});
  restored(rw::pact{});
}

TEST_CASE("ranges that are not numbers are refused with what was found")
{
  const auto x = torch::rand({4});
  for (const auto type : {torch::kFloat32}) {
    const auto state =
        with(rw::lsq{}.start_activations(inside), {{"step", torch::full({}, NAN, type)}});
    CHECK_THROWS_WITH_AS((void)state(x, bit_width{2}),
                         "rolewise: lsq: the range to quantize is nan .. nan; want finite bounds, "
                         "the second above the first (training has diverged; a lower learning "
                         "rate, of ranges above all, may help)",
                         std::runtime_error);
  }
  auto state = rw::lsq{}.start_weights(inside);
  CHECK_THROWS_WITH_AS((void)state(torch::full({2}, NAN), bit_width{2}),
                       "rolewise: lsq: a weight is not a number (NaN); want finite numbers",
                       std::runtime_error);
  CHECK_THROWS_AS((void)state(torch::full({2}, INFINITY), bit_width{1}), std::runtime_error);
  CHECK_THROWS_WITH_AS(
      (void)rw::pact{.clip = 1}.start_activations(inside)(torch::full({2}, NAN), bit_width{2}),
      "rolewise: pact: an activation is not a number (NaN); want finite numbers",
      std::runtime_error);
}

TEST_CASE("learned ranges take tensors without numbers and of all kinds of layouts")
{
  torch::manual_seed(9);
  const auto check = [&](auto quantizer) {
    for (const auto type : {torch::kFloat32, torch::kFloat64}) {
      auto of_x = quantizer.start_activations(inside);
      auto of_w = quantizer.start_weights(inside);
      const auto none = torch::zeros({0, 3}, type).set_requires_grad(true);
      if constexpr (requires { of_w.observe(none, bit_width{2}); })
        of_w.observe(none, bit_width{2});
      of_x.observe(none, bit_width{2});
      CHECK(of_x(none, bit_width{2}).values().sizes() == none.sizes());
      of_w(none, bit_width{2}).values().sum().backward();
      CHECK(none.grad().sizes() == none.sizes());
    }
    auto state = quantizer.start_activations(inside);
    const auto whole = torch::rand({2, 4, 5, 6});
    state.observe(whole, bit_width{3});
    const auto values = [&](const torch::Tensor& x) {
      const auto leaf = x.detach().requires_grad_();
      const auto made = std::as_const(state)(leaf, bit_width{3}).values();
      made.backward(torch::full({}, 2.0).expand(x.sizes()));
      return torch::stack({made.detach(), leaf.grad()});
    };
    const auto plain = values(whole);
    const auto last = values(whole.contiguous(torch::MemoryFormat::ChannelsLast));
    CHECK(torch::equal(last, plain));
    const auto wide = torch::rand({2, 4, 5, 12});
    wide.slice(3, 0, 12, 2).copy_(whole);
    CHECK(torch::equal(values(wide.slice(3, 0, 12, 2)), plain));
    for (const auto type : {torch::kHalf, torch::kBFloat16}) {
      const auto few = whole.to(type);
      const auto of_few = std::as_const(state)(few, bit_width{3});
      CHECK(of_few.levels.is_floating_point());
      CHECK(
          near(of_few.levels, std::as_const(state)(few.to(torch::kFloat), bit_width{3}).levels, 0));
    }
  };
  check(rw::lsq{});
  check(rw::lsq_plus{});
  check(rw::pact{});
}

TEST_CASE("networks learn ranges, and a copy has its own")
{
  torch::manual_seed(10);
  const rw::sample_shape small{.channels = 1, .height = 8, .width = 8, .classes = 3};
  const rw::batch examples{
      torch::randn({4, 1, 8, 8}), torch::zeros(4, torch::kLong), torch::arange(4), {}};
  const auto check = [&](auto quantizer) {
    auto net = rw::resnet8(small, quantizer, rw::inner_bits<3>);
    const auto before = net.parameters();
    net.forward(examples).logits.square().sum().backward();
    const auto after = net.parameters();
    REQUIRE(after.size() == before.size());
    int with_gradient = 0;
    for (std::size_t i = 0; i < after.size(); ++i) {
      CHECK(after[i].value.is_same(before[i].value));
      if (after[i].kind != rw::tensor_kind::range || !after[i].value.grad().defined()) continue;
      CHECK(after[i].value.grad().sizes() == after[i].value.sizes());
      CHECK(after[i].value.grad().isfinite().all().template item<bool>());
      if (after[i].value.grad().abs().sum().template item<double>() > 0) ++with_gradient;
    }
    CHECK(with_gradient >= 6);  // one for each quantized input, at least

    auto copy = net;
    const auto want = net.predict(examples).logits;
    for (const auto& p : copy.parameters())
      if (p.kind == rw::tensor_kind::range) p.value.detach().mul_(2);
    CHECK(torch::equal(net.predict(examples).logits, want));
    CHECK_FALSE(torch::equal(copy.predict(examples).logits, want));
    rw::restore(copy, rw::snapshot_of(net));
    CHECK(torch::equal(copy.predict(examples).logits, want));
    auto fresh = rw::resnet8(small, quantizer, rw::inner_bits<3>);
    rw::restore(fresh, rw::snapshot_of(net));
    CHECK(torch::equal(fresh.predict(examples).logits, want));
  };
  check(rw::lsq{.per_channel = true});
  check(rw::lsq_plus{});
  check(rw::pact{});
}
