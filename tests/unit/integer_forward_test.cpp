// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "support/byte_quantizer.hpp"

#include <rolewise/network/detail/integer_probe.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/quant/per_layer.hpp>
#include <rolewise/train/adam.hpp>
#include <rolewise/train/sgd.hpp>

#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <atomic>
#include <cmath>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

namespace rw = rolewise;
using rw::bit_width;
using rw::layer_arithmetic;
using rw::phase;
using rw::quantized;
using rw::detail::convolution_geometry;
using rw::testing::byte_quantizer;

namespace {

const rw::sample_shape small{.channels = 1, .height = 12, .width = 10, .classes = 5};

rw::batch images(std::int64_t count, std::uint64_t seed = 0)
{
  torch::manual_seed(seed);
  return {torch::randn({count, small.channels, small.height, small.width}),
          torch::zeros(count, torch::kLong),
          torch::arange(count),
          {}};
}

/// Random integers of a range, both ends included.
torch::Tensor levels(at::IntArrayRef sizes, std::int64_t lowest, std::int64_t highest)
{
  auto x = torch::randint(lowest, highest + 1, sizes, torch::kFloat);
  x.view(-1)[0] = lowest;
  x.view(-1)[1] = highest;
  return x.dim() == 4 ? x.contiguous(torch::MemoryFormat::ChannelsLast) : x;
}

quantized stood_for(torch::Tensor levels, std::int64_t lowest, std::int64_t highest,
                    torch::Tensor scale, std::int64_t zero = 0, torch::Tensor offset = {})
{
  auto gradient_proxy = rw::gradient_proxy_for(levels.to(torch::kFloat)).set_requires_grad(true);
  return {.levels = std::move(levels),
          .scale = std::move(scale),
          .zero_point = zero,
          .is_integer = true,
          .offset = std::move(offset),
          .range = rw::level_range{lowest, highest},
          .gradient_proxy = std::move(gradient_proxy)};
}

struct pass {
  torch::Tensor y, of_x, of_w;
  layer_arithmetic arithmetic;
};

/// Forward and backward pass, in integer arithmetic where it is supported.
pass convolve(const quantized& x, const quantized& w, const convolution_geometry& over,
              rw::pass_precision backward = rw::pass_precision::full)
{
  rw::detail::product_plan plan{
      .integers = rw::detail::integer_plan_of(x, w, x.gradient_proxy, w.levels[0].numel()),
      .backward = backward};
  if (plan.integers.is_integer())
    plan.packed = rw::detail::integer_operators::found().pack_convolution(
        rw::detail::codes_of_weights(w), over.stride, over.is_even() ? over.rows.before : 0, 1,
        x.levels.sizes());
  const auto y = rw::detail::quantized_convolution_of(x, w, over, plan);
  torch::manual_seed(9);
  const auto gradients =
      torch::autograd::grad({y}, {x.gradient_proxy, w.gradient_proxy}, {torch::randn_like(y)});
  return {y.detach(), gradients[0], gradients[1], plan.integers.arithmetic};
}

pass convolve_floats(const quantized& x, const quantized& w, const convolution_geometry& over,
                     rw::pass_precision backward = rw::pass_precision::full)
{
  const rw::without_integers reference;
  return convolve(x, w, over, backward);
}

bool integers_run() { return rw::integer_forward_support().available; }

layer_arithmetic expected()
{
  return integers_run() ? layer_arithmetic::integer : layer_arithmetic::no_operators;
}

template<typename Network>
std::map<std::string, torch::Tensor> gradients_of(Network& n)
{
  std::map<std::string, torch::Tensor> all;
  for (const auto& p : n.parameters()) all[p.name] = p.value.grad();
  return all;
}

}  // namespace

TEST_CASE("the integer probe gives a reason if integers are not supported")
{
  const auto& support = rw::integer_forward_support();
  MESSAGE(support.reason);
  CHECK(support.available == support.reason.empty());
}

TEST_CASE("integers give the bits of floating-point levels, forward and backward")
{
  torch::manual_seed(1);
  std::int64_t checked = 0;
  for (const std::int64_t stride : {1, 2})
    for (const std::int64_t kernel : {1, 3, 5})
      for (const std::int64_t size : {5, 8})
        for (const auto& [in, out] : {std::pair{3, 8}, {16, 16}, {20, 7}}) {
          const std::int64_t around = kernel / 2;
          for (const convolution_geometry& over :
               {convolution_geometry{stride, {around, around}, {around, around}},
                convolution_geometry{stride, rw::detail::same_padding(size, kernel, stride),
                                     rw::detail::same_padding(size + 1, kernel, stride)}})
            for (const std::int64_t zero : {0, 3}) {
              const int bits = 1 + static_cast<int>(checked % 8);
              const std::int64_t most = (1 << bits) - 1, end = (1 << (bits - 1)) - (bits > 1);
              CAPTURE(stride);
              CAPTURE(kernel);
              CAPTURE(size);
              CAPTURE(in);
              CAPTURE(bits);
              const auto of_w =
                  checked % 2 == 0 ? torch::full({}, 0.37) : torch::rand({out, 1, 1, 1}) + 0.1;
              const auto x = stood_for(levels({2, in, size, size + 1}, 0, most), 0, most,
                                       torch::full({}, 0.11), std::min(zero, most));
              const auto w =
                  stood_for(levels({out, in, kernel, kernel}, -end, end), -end, end, of_w);
              auto bytes_x = x, bytes_w = w;
              bytes_x.levels = x.levels.to(torch::kByte);
              bytes_w.levels = w.levels.to(torch::kChar);
              REQUIRE(in * kernel * kernel * most * end < 1 << 24);

              const auto reference = convolve_floats(x, w, over);
              CHECK(reference.arithmetic == layer_arithmetic::switched_off);
              const auto values = torch::conv2d(
                  torch::constant_pad_nd(
                      x.values().detach(),
                      {over.columns.before, over.columns.after, over.rows.before, over.rows.after}),
                  w.values().detach(), {}, stride);
              CHECK(torch::allclose(reference.y, values, 1e-4, 1e-2));
              for (const auto& [a, b] : {std::pair{x, w}, {bytes_x, bytes_w}}) {
                const auto got = convolve(a, b, over);
                CHECK(got.arithmetic == expected());
                CHECK(torch::equal(got.y, reference.y));
                CHECK(torch::equal(got.of_x, reference.of_x));
                CHECK(torch::equal(got.of_w, reference.of_w));
                const auto rounded = convolve(a, b, over, rw::pass_precision::bfloat16);
                CHECK(torch::equal(rounded.y, reference.y));
                CHECK((rounded.of_x.scalar_type() == torch::kFloat));
                CHECK(torch::allclose(rounded.of_x, reference.of_x, 0.02,
                                      0.01 * reference.of_x.abs().max().item<double>()));
                CHECK(torch::allclose(rounded.of_w, reference.of_w, 0.02,
                                      0.01 * reference.of_w.abs().max().item<double>()));
              }
              ++checked;
            }
        }
  CHECK(checked == 144);
}

TEST_CASE("signed levels of activations become bytes by a shift")
{
  torch::manual_seed(2);
  const convolution_geometry even{1, {1, 1}, {1, 1}}, odd{2, {0, 1}, {0, 1}};
  const auto w = stood_for(levels({8, 6, 3, 3}, -7, 7), -7, 7, torch::full({}, 0.5));
  for (const auto& over : {even, odd})
    for (const auto& [lowest, highest] :
         {std::pair<std::int64_t, std::int64_t>{-128, 127}, {-8, 7}, {-1, 200}}) {
      auto x =
          stood_for(levels({2, 6, 6, 6}, lowest, highest), lowest, highest, torch::full({}, 0.25));
      const auto reference = convolve_floats(x, w, over);
      const auto got = convolve(x, w, over);
      CHECK(got.arithmetic == expected());
      CHECK(torch::equal(got.y, reference.y));
      if (highest > 127) continue;
      x.levels = x.levels.to(torch::kChar);
      const auto bytes = convolve(x, w, over);
      CHECK(bytes.arithmetic == expected());
      CHECK(torch::equal(bytes.y, reference.y));
      CHECK(torch::equal(bytes.of_w, reference.of_w));
    }
}

TEST_CASE("beyond 24 bits integers stay exact and floating-point numbers don't")
{
  torch::manual_seed(3);
  const convolution_geometry over{1, {1, 1}, {1, 1}};
  const auto x = stood_for(levels({1, 512, 4, 4}, 0, 255), 0, 255, torch::full({}, 1.0));
  const auto w = stood_for(levels({16, 512, 3, 3}, 64, 127), 64, 127, torch::full({}, 1.0));
  const auto exact =
      torch::conv2d(x.levels.to(torch::kDouble), w.levels.to(torch::kDouble), {}, 1, 1);
  REQUIRE(exact.max().item<double>() > 1 << 24);
  const auto got = convolve(x, w, over);
  if (got.arithmetic == layer_arithmetic::integer)
    CHECK(torch::equal(got.y, exact.to(torch::kFloat)));
  CHECK(torch::allclose(got.y, convolve_floats(x, w, over).y, 1e-5, 0));
}

TEST_CASE("an offset adds less at the borders, as in the convolution of values")
{
  torch::manual_seed(4);
  for (const bool per_output : {false, true})
    for (const convolution_geometry& over :
         {convolution_geometry{1, {1, 1}, {1, 1}}, convolution_geometry{2, {0, 1}, {1, 1}}}) {
      const auto of_w = per_output ? torch::rand({5, 1, 1, 1}) + 0.1 : torch::full({}, 0.3);
      const auto x = stood_for(levels({2, 4, 6, 7}, 0, 15), 0, 15, torch::full({}, 0.2), 0,
                               torch::full({}, -0.7));
      const auto w = stood_for(levels({5, 4, 3, 3}, -7, 7), -7, 7, of_w);
      const auto got = convolve(x, w, over);
      CHECK(got.arithmetic == expected());
      CHECK(torch::equal(got.y, convolve_floats(x, w, over).y));

      const auto xs = x.values().detach().set_requires_grad(true);
      const auto ws = w.values().detach().set_requires_grad(true);
      const auto y = torch::conv2d(
          torch::constant_pad_nd(
              xs, {over.columns.before, over.columns.after, over.rows.before, over.rows.after}),
          ws, {}, over.stride);
      CHECK(torch::allclose(got.y, y, 1e-5, 1e-5));
      torch::manual_seed(9);
      (y * torch::randn_like(got.y)).sum().backward();
      CHECK(torch::allclose(got.of_x, xs.grad(), 1e-4, 1e-5));
      CHECK(torch::allclose(got.of_w, ws.grad(), 1e-4, 1e-4));
      const auto rounded = convolve(x, w, over, rw::pass_precision::bfloat16);
      CHECK(torch::allclose(rounded.of_w, ws.grad(), 0.02,
                            0.01 * ws.grad().abs().max().item<double>()));
    }
}

TEST_CASE(
    "a backward pass in bfloat16 stays in single precision where that is faster, not in double")
{
  torch::manual_seed(8);
  const convolution_geometry over{1, {1, 1}, {1, 1}};
  const auto codes = levels({8, 16, 9, 10}, 0, 15).contiguous(torch::MemoryFormat::ChannelsLast);
  auto x = stood_for(codes.to(torch::kByte), 0, 15, torch::full({}, 0.2));
  auto w = stood_for(levels({16, 16, 3, 3}, -7, 7), -7, 7, torch::full({}, 0.3));
  const bool stays = rw::detail::is_faster_in_single(x.levels, w.levels.to(torch::kFloat), 1, 1);
  const auto full = convolve(x, w, over);
  const auto rounded = convolve(x, w, over, rw::pass_precision::bfloat16);
  CHECK(torch::equal(rounded.of_x, full.of_x) == stays);
  CHECK(torch::equal(rounded.of_w, full.of_w) == stays);

  // Levels in bytes have the gradients of levels in floating point.
  auto numbers = x;
  numbers.levels = x.levels.to(torch::kFloat);
  CHECK(torch::equal(convolve(numbers, w, over).of_w, full.of_w));

  for (auto* q : {&x, &w}) {
    q->scale = q->scale.to(torch::kDouble);
    q->gradient_proxy =
        rw::gradient_proxy_for(q->gradient_proxy.to(torch::kDouble)).set_requires_grad(true);
  }
  const auto wide = convolve(x, w, over);
  const auto wide_rounded = convolve(x, w, over, rw::pass_precision::bfloat16);
  CHECK((wide_rounded.of_x.scalar_type() == torch::kDouble));
  CHECK_FALSE(torch::equal(wide_rounded.of_x, wide.of_x));
}

TEST_CASE("gradients of values are those of finite differences")
{
  torch::manual_seed(5);
  const convolution_geometry over{2, {1, 1}, {0, 1}};
  auto x = stood_for(levels({2, 3, 5, 5}, 0, 3), 0, 3, torch::full({}, 0.5, torch::kDouble));
  auto w = stood_for(levels({4, 3, 3, 3}, -3, 3), -3, 3, torch::full({}, 0.25, torch::kDouble));
  for (auto* q : {&x, &w}) {
    q->levels = q->levels.to(torch::kDouble);
    q->gradient_proxy = rw::gradient_proxy_for(q->levels).set_requires_grad(true);
  }
  const auto got = convolve(x, w, over);
  CHECK(got.arithmetic == layer_arithmetic::other_type);
  torch::manual_seed(9);
  const auto direction = torch::randn_like(got.y);
  // The product is linear in each operand, so finite differences of any size are exact; here of
  // half a level each way.
  const auto slope = [&](quantized& moved, std::int64_t i) {
    const auto kept = moved.levels;
    const auto at = [&](double by) {
      moved.levels = kept.clone();
      moved.levels.view(-1)[i] += by;
      return (convolve(x, w, over).y * direction).sum().item<double>();
    };
    const double step = moved.scale.item<double>();
    const double result = (at(0.5) - at(-0.5)) / step;
    moved.levels = kept;
    return result;
  };
  x.levels = x.levels.contiguous();
  w.levels = w.levels.contiguous();
  for (const std::int64_t i : {0, 7, 31, 74}) {
    CHECK(slope(x, i) ==
          doctest::Approx(got.of_x.contiguous().view(-1)[i].item<double>()).epsilon(1e-9).scale(0));
    CHECK(slope(w, i) ==
          doctest::Approx(got.of_w.contiguous().view(-1)[i].item<double>()).epsilon(1e-9).scale(0));
  }
}

TEST_CASE("why a layer doesn't multiply integers is said")
{
  const auto x = stood_for(levels({1, 4, 4, 4}, 0, 255), 0, 255, torch::full({}, 1.0));
  const auto w = stood_for(levels({4, 4, 3, 3}, -127, 127), -127, 127, torch::full({}, 1.0));
  const auto why = [&](auto change, std::int64_t length = 36) {
    auto a = x, b = w;
    change(a, b);
    return rw::detail::integer_plan_of(a, b, a.gradient_proxy, length).arithmetic;
  };
  CHECK(why([](auto&, auto&) {}) == expected());
  CHECK(why([](auto& a, auto&) { a.is_integer = false; }) == layer_arithmetic::no_integer_levels);
  CHECK(why([](auto&, auto& b) { b.range.reset(); }) == layer_arithmetic::unknown_range);
  CHECK(why([](auto& a, auto&) { a.range = {0, 256}; }) == layer_arithmetic::activations_too_wide);
  CHECK(why([](auto& a, auto&) { a.zero_point = 256; }) == layer_arithmetic::activations_too_wide);
  CHECK(why([](auto&, auto& b) { b.range = {-255, 255}; }) == layer_arithmetic::weights_too_wide);
  CHECK(why([](auto&, auto& b) { b.zero_point = 1; }) == expected());
  CHECK(why([](auto&, auto& b) { b.zero_point = 2; }) == layer_arithmetic::weights_too_wide);
  CHECK(why([](auto&, auto&) {}, 70'000) == layer_arithmetic::sums_too_long);
  CHECK(why([](auto& a, auto&) { a.gradient_proxy = a.gradient_proxy.to(torch::kBFloat16); }) ==
        layer_arithmetic::other_type);
  CHECK(why([](auto& a, auto&) { a.gradient_proxy = a.gradient_proxy.to(torch::kMeta); }) ==
        layer_arithmetic::other_device);
  const rw::without_integers reference;
  CHECK(why([](auto&, auto&) {}) == layer_arithmetic::switched_off);

  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(layer_arithmetic::sums_too_long); ++i)
    names.insert(name(static_cast<layer_arithmetic>(i)));
  CHECK(names.size() == static_cast<int>(layer_arithmetic::sums_too_long) + 1U);
  CHECK_FALSE(names.contains("unknown"));
}

namespace {

/// Byte operators emulated in floating point, with an optional defect.
struct sham_operators {
  enum {
    none,
    saturates,
    scales_apart,
    throws,
    throws_of_torch,
    throws_of_groups,
    mixes_groups
  } defect = none;
  std::string said{};

  [[nodiscard]] const std::string& problem() const { return said; }
  [[nodiscard]] torch::Tensor pack_convolution(const torch::Tensor& w, std::int64_t, std::int64_t,
                                               std::int64_t groups, at::IntArrayRef) const
  {
    if (defect == throws || (defect == throws_of_groups && groups > 1))
      throw std::runtime_error{"no such primitive"};
    if (defect == throws_of_torch) TORCH_CHECK(false, "no such kernel");
    return w;
  }
  [[nodiscard]] torch::Tensor pack_linear(const torch::Tensor& w, at::IntArrayRef) const
  {
    return w;
  }
  [[nodiscard]] torch::Tensor scaled(const torch::Tensor& sums, const torch::Tensor& scale) const
  {
    const auto along = sums.dim() == 4 ? scale.view({1, -1, 1, 1}) : scale;
    return defect == scales_apart ? sums * 3 * (along / 3) : sums * along;
  }
  [[nodiscard]] torch::Tensor convolution(const rw::detail::byte_product& p, std::int64_t stride,
                                          std::int64_t padding, std::int64_t groups) const
  {
    auto sums = torch::conv2d(p.x.to(torch::kFloat) - p.zero, p.weight.to(torch::kFloat), {},
                              stride, padding, 1, groups);
    if (defect == mixes_groups && groups > 1) sums = sums.flip(1);
    if (defect == saturates) sums.clamp_(-2e6, 2e6);
    return scaled(sums, p.scale);
  }
  [[nodiscard]] torch::Tensor linear(const rw::detail::byte_product& p) const
  {
    return scaled(torch::linear(p.x.to(torch::kFloat) - p.zero, p.weight.to(torch::kFloat)),
                  p.scale);
  }
};

rw::integer_support probed(const sham_operators& operators)
{
  return rw::detail::probe_integer_operators(operators);
}

}  // namespace

TEST_CASE("a probe that fails says why and throws nothing")
{
  CHECK(probed({}).available);
  CHECK(probed({}).scales_exactly);
  CHECK(probed({.said = "LibTorch has no operator x"}).reason == "LibTorch has no operator x");
  CHECK_FALSE(probed({.said = "LibTorch has no operator x"}).available);
  const auto saturated = probed({.defect = sham_operators::saturates});
  CHECK_FALSE(saturated.available);
  CHECK(saturated.reason.find("saturate") != std::string::npos);
  CHECK(probed({.defect = sham_operators::throws}).reason ==
        "an operator failed: no such primitive");
  CHECK(probed({.defect = sham_operators::throws_of_torch}).reason.find("no such kernel") !=
        std::string::npos);
  // Without convolutions of groups there are still the others.
  CHECK(probed({}).problem_of_groups.empty());
  const auto without_groups = probed({.defect = sham_operators::throws_of_groups});
  CHECK(without_groups.available);
  CHECK(without_groups.scales_exactly);
  CHECK(without_groups.problem_of_groups == "an operator failed: no such primitive");
  const auto mixed = probed({.defect = sham_operators::mixes_groups});
  CHECK(mixed.available);
  CHECK(mixed.problem_of_groups.find("other sums") != std::string::npos);
  const auto apart = probed({.defect = sham_operators::scales_apart});
  CHECK(apart.available);
  CHECK_FALSE(apart.scales_exactly);
}

TEST_CASE("a network has the same logits and gradients with integers and without")
{
  const auto examples = images(6);
  const auto check = [&](auto make) {
    for (const int bits : {1, 2, 4, 8}) {
      CAPTURE(bits);
      const rw::all_alike widths{bit_width{bits}, bit_width{bits}};
      auto of_bytes = make(byte_quantizer{.bytes = true, .per_output = bits == 4}, widths);
      auto of_floats = make(byte_quantizer{.bytes = false, .per_output = bits == 4}, widths);
      const auto a = of_bytes.forward(examples).logits;
      a.square().sum().backward();
      {
        const rw::without_integers reference;
        const auto b = of_floats.forward(examples).logits;
        b.square().sum().backward();
        CHECK(torch::equal(a, b));
      }
      const auto of_a = gradients_of(of_bytes), of_b = gradients_of(of_floats);
      for (const auto& [name, gradient] : of_a) {
        CAPTURE(name);
        REQUIRE(gradient.defined());
        CHECK(torch::equal(gradient, of_b.at(name)));
      }
      for (const auto& layer : of_bytes.layers()) {
        CAPTURE(layer.place.name);
        CHECK(layer.arithmetic ==
              (layer.place.is_first() ? layer_arithmetic::no_integer_levels : expected()));
      }
      CHECK(of_floats.layers().back().arithmetic == layer_arithmetic::switched_off);

      auto rounded = make(byte_quantizer{.per_output = bits == 4}, widths);
      rounded.set_precision({.backward = rw::pass_precision::bfloat16});
      const auto c = rounded.forward(examples).logits;
      CHECK(torch::equal(c, a));
      c.square().sum().backward();
      const auto of_c = gradients_of(rounded);
      bool differs = false;
      for (const auto& [name, gradient] : of_a) {
        CAPTURE(name);
        CHECK((of_c.at(name) - gradient).norm().template item<double>() <
              0.05 * gradient.norm().template item<double>());
        differs = differs || !torch::equal(of_c.at(name), gradient);
      }
      CHECK(differs);
    }
  };
  check([](auto q, auto scheme) { return rw::resnet8(small, q, scheme); });
  check([](auto q, auto scheme) { return rw::wide_resnet(10, 1, small, q, scheme); });
  check([](auto q, auto scheme) {
    const rw::residual_plan<2> plan{
        .name = "two stages", .stem = 8, .widths = {8, 16}, .padding = rw::padding_rule::same};
    return rw::make_residual_network(plan, small, q, scheme);
  });
}

TEST_CASE("options choose the precision of the backward pass")
{
  const auto examples = images(4);
  const auto gradient = [&](rw::network_options options) {
    auto n = rw::resnet8(small, byte_quantizer{}, rw::inner_bits<4>, options);
    n.forward(examples).logits.square().sum().backward();
    return n.parameters().front().value.grad();
  };
  const auto full = gradient({});
  const auto rounded = gradient({.precision = {.backward = rw::pass_precision::bfloat16}});
  CHECK_FALSE(torch::equal(full, rounded));
  CHECK(torch::allclose(full, rounded, 0.1, 0.05 * full.abs().max().item<double>()));
}

TEST_CASE("kept weights follow every change of the latent weights")
{
  const auto examples = images(4);
  auto n = rw::resnet8(small, byte_quantizer{}, rw::inner_bits<4>);
  const torch::NoGradGuard without_graph;
  const auto answer = [&](const auto& of) { return of.predict(examples).logits; };
  /// The logits of a copy, which has no cached weights.
  const auto anew = [&](const auto& of) {
    auto fresh = of;
    return answer(fresh);
  };
  auto before = answer(n);
  CHECK(torch::equal(answer(n), before));
  const auto changed = [&](const char* what) {
    CAPTURE(what);
    const auto current = answer(n);
    CHECK_FALSE(torch::equal(current, before));
    CHECK(torch::equal(current, anew(n)));
    CHECK(torch::equal(answer(n), current));
    before = current;
  };
  const auto parameters = n.parameters();
  (void)answer(n);  // caches weights after the handles were taken
  const auto& weight = parameters.at(3).value;
  REQUIRE(weight.dim() == 4);

  weight.neg_();
  changed("in place");
  weight.set_data(weight.neg());
  changed("set_data");
  std::vector<torch::Tensor> gradients;
  for (const auto& p : parameters) gradients.push_back(torch::randn_like(p.value));
  rw::sgd{}.start(parameters).update(parameters, gradients, 0.5);
  changed("sgd");
  rw::adam{}.start(parameters).update(parameters, gradients, 0.5);
  changed("adam");
  (void)n.forward(examples);
  changed("training");
  rw::for_each_tensor(n, [](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
    if (name == "stage1.0.convolution1.weight") t = -t.detach();
  });
  changed("assigned by a reader");

  auto copy = n;
  copy.parameters().at(3).value.neg_();
  CHECK(torch::equal(answer(n), before));
  CHECK_FALSE(torch::equal(answer(copy), before));

  n.cast(torch::kDouble);
  CHECK((answer(n).scalar_type() == torch::kDouble));
  n.cast(torch::kFloat);
  CHECK(torch::equal(answer(n), before));
  {
    const c10::InferenceMode mode;
    auto made_here = rw::resnet8(small, byte_quantizer{}, rw::inner_bits<4>);
    CHECK(answer(made_here).isfinite().all().item<bool>());
    CHECK(torch::equal(answer(n), before));
  }
  CHECK(torch::equal(answer(n), before));
  {
    const auto learned = n.parameters();
    (void)answer(n);
    const torch::AutoGradMode with_graph{true};
    n.predict(examples).logits.sum().backward();
    for (const auto& p : learned)
      if (p.value.requires_grad()) CHECK_MESSAGE(p.value.grad().defined(), p.name);
  }
}

namespace {

/// Weights on a grid whose step is a plain value.
struct valued_step {
  static constexpr std::string_view name = "valued-step";

  struct weights {
    double step = 0.25;

    [[nodiscard]] quantized operator()(const torch::Tensor& w, bit_width) const
    {
      return {.levels = (w / step).round().clamp(-7, 7),
              .scale = torch::full({}, step),
              .is_integer = true,
              .range = rw::level_range{-7, 7}};
    }
    template<typename Archive>
    void visit_state(Archive& archive)
    {
      archive.value("step", step);
    }
  };

  [[nodiscard]] weights start_weights(const rw::layer_id&) const { return {}; }
  [[nodiscard]] byte_quantizer::activations start_activations(const rw::layer_id&) const
  {
    return {false, 0.0};
  }
};

/// An archive that doubles the values it visits.
struct doubling_archive : rw::archive_archetype {
  template<rw::PlainState T>
  void value(std::string_view, T& x)
  {
    if constexpr (std::is_same_v<T, double>) x *= 2;
  }
  template<typename Part>
  void part(std::string_view, Part& inner)
  {
    inner.visit_state(*this);
  }
};

}  // namespace

TEST_CASE("kept weights follow plain values that a reader writes")
{
  const torch::NoGradGuard without_graph;
  const rw::planned_layer plan{{"layer", rw::layer_kind::convolution, 1, 3},
                               {bit_width{4}, bit_width{4}}};
  rw::convolution<valued_step> layer{valued_step{}, plan, {.in = 4, .out = 4}, {}};
  const auto in = byte_quantizer::activations{true, 0.0}(torch::rand({1, 4, 5, 5}), bit_width{4});
  const auto before = layer(in, phase::evaluation);
  CHECK(layer.report().arithmetic == expected());
  doubling_archive archive;
  layer.visit_state(archive);
  const auto after = layer(in, phase::evaluation);
  CHECK_FALSE(torch::equal(after, before));
  CHECK(torch::equal(after, rw::convolution{layer}(in, phase::evaluation)));
}

TEST_CASE("the values of levels are added in place, and their gradient goes both ways")
{
  torch::manual_seed(6);
  for (const bool offset : {false, true}) {
    const auto x =
        stood_for(levels({2, 3, 4, 4}, 0, 15).to(torch::kByte), 0, 15, torch::full({}, 0.3), 2,
                  offset ? torch::full({}, 0.7) : torch::Tensor{});
    const auto leaf = torch::randn({2, 3, 4, 4}).set_requires_grad(true);
    const auto y = leaf * 2;
    const auto sum = rw::add_to(y, x);
    CHECK(sum.const_data_ptr() == y.const_data_ptr());
    CHECK(torch::equal(sum, leaf * 2 + x.values()));
    const auto direction = torch::randn_like(sum);
    const auto gradients = torch::autograd::grad({sum}, {leaf, x.gradient_proxy}, {direction});
    CHECK(torch::equal(gradients[0], direction * 2));
    CHECK(torch::equal(gradients[1], direction));
  }
}

TEST_CASE("several threads may call predict on one network")
{
  const auto examples = images(4);
  const auto n = rw::resnet8(small, byte_quantizer{}, rw::inner_bits<4>);
  const auto wanted = [&] {
    const torch::NoGradGuard without_graph;
    return rw::network{n}.predict(examples).logits;
  }();
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      const torch::NoGradGuard without_graph;
      for (int j = 0; j < 5; ++j) {
        if (!torch::equal(n.predict(examples).logits, wanted)) ++wrong;
        (void)n.parameters();
      }
    });
  for (auto& t : threads) t.join();
  CHECK(wrong == 0);
}

TEST_CASE("kept weights serve inputs of every size, padded alike or not")
{
  const rw::residual_plan<2> plan{
      .name = "two stages", .stem = 8, .widths = {8, 16}, .padding = rw::padding_rule::same};
  const auto n = rw::make_residual_network(plan, small, byte_quantizer{}, rw::inner_bits<4>);
  const torch::NoGradGuard without_graph;
  for (const std::int64_t size : {8, 7, 9, 12}) {
    rw::batch examples = images(3);
    examples.inputs = torch::randn({3, 1, size, size});
    const auto got = n.predict(examples).logits;
    const rw::without_integers reference;
    CHECK(torch::equal(got, rw::network{n}.predict(examples).logits));
  }
}

TEST_CASE("scratch memory is reused, but never while it is referenced")
{
  const auto like = torch::zeros({2, 3, 4, 5}).contiguous(torch::MemoryFormat::ChannelsLast);
  const void* place = nullptr;
  {
    const auto first = rw::detail::scratch_copy(like, torch::kFloat);
    CHECK(first.is_contiguous(torch::MemoryFormat::ChannelsLast));
    CHECK(torch::equal(first, like));
    place = first.const_data_ptr();
    const auto second = rw::detail::scratch_copy(like + 1, torch::kFloat);
    CHECK(second.const_data_ptr() != place);
    CHECK(torch::equal(first, like));
  }
  const auto narrower = rw::detail::scratch_copy(like, torch::kBFloat16);
  CHECK(narrower.const_data_ptr() == place);
  CHECK((narrower.scalar_type() == torch::kBFloat16));
  CHECK(rw::detail::scratch_copy<rw::detail::scratch_of::gradients>(like, torch::kFloat)
            .const_data_ptr() != place);
  CHECK(rw::detail::scratch_copy(torch::ones({7}), torch::kFloat).sizes() == torch::IntArrayRef{7});
}

namespace {

/// The same quantizer with `rectifies` false: layers apply the ReLU before it.
struct rectified_before : byte_quantizer {
  static constexpr bool rectifies = false;
};

}  // namespace

TEST_CASE("sums that are handed on unrectified give the features that rectified ones give")
{
  auto examples = images(4);
  auto a = rw::resnet8(small, byte_quantizer{}, rw::inner_bits<3>);
  auto b = rw::resnet8(small, rectified_before{}, rw::inner_bits<3>);
  const rw::per_layer wide{.layers = {{"stage2.0.convolution1", {bit_width{4}, bit_width{32}}},
                                      {"stage3.0.shortcut", {bit_width{4}, bit_width{2}}}},
                           .otherwise = rw::inner_bits<3>};
  auto c = rw::resnet8(small, byte_quantizer{}, wide);
  auto d = rw::resnet8(small, rectified_before{}, wide);
  // Random biases keep sums away from 0, where a ReLU blocks the gradient and the quantizer
  // passes it.
  const auto move_biases = [](auto& n) {
    torch::manual_seed(8);
    const torch::NoGradGuard without_graph;
    for (auto& p : n.parameters())
      if (p.name.ends_with("bias")) p.value.add_(torch::randn(p.value.sizes()) * 0.1);
  };
  const auto check = [&](auto& one, auto& other) {
    move_biases(one);
    move_biases(other);
    const auto x = one.forward(examples, one.offered_taps);
    const auto y = other.forward(examples, one.offered_taps);
    CHECK(torch::equal(x.logits, y.logits));
    REQUIRE(x.features.available() == one.offered_taps);
    auto of_x = x.logits.square().sum(), of_y = y.logits.square().sum();
    for (const auto& [id, f] : x.features) {
      CHECK(torch::equal(f, y.features[id]));
      of_x = of_x + f.square().sum();
      of_y = of_y + y.features[id].square().sum();
    }
    of_x.backward();
    of_y.backward();
    const auto gradients = gradients_of(other);
    for (const auto& [name, gradient] : gradients_of(one)) {
      CAPTURE(name);
      CHECK((gradient - gradients.at(name)).norm().template item<double>() <=
            1e-5 * gradient.norm().template item<double>());
    }
  };
  check(a, b);
  check(c, d);
}

TEST_CASE("a kernel may be larger than the map: padding SAME gives it what is missing")
{
  struct place {
    std::int64_t kernel, height, width;
  };
  for (const auto& [kernel, height, width] :
       {place{7, 3, 2}, place{11, 8, 7}, place{5, 1, 1}, place{7, 2, 9}, place{3, 1, 2}})
    for (const std::int64_t stride : {1, 2, 3}) {
      CAPTURE(kernel);
      CAPTURE(height);
      CAPTURE(width);
      CAPTURE(stride);
      const rw::convolution_shape shape{
          .in = 4, .out = 8, .kernel = kernel, .stride = stride, .padding = rw::padding_rule::same};
      const rw::planned_layer plan{{"body", rw::layer_kind::convolution, 1, 3},
                                   {bit_width{4}, bit_width{4}}};
      torch::manual_seed(static_cast<std::uint64_t>(kernel));
      const auto x = torch::randint(0, 16, {2, 4, height, width}, torch::kFloat)
                         .contiguous(torch::MemoryFormat::ChannelsLast);
      const auto pass = [&] {
        rw::convolution<byte_quantizer> layer{{}, plan, shape, {}};
        const auto in = stood_for(x.to(torch::kByte), 0, 15, torch::full({}, 0.5F));
        const auto y = layer(in, phase::training);
        y.square().sum().backward();
        torch::Tensor w;
        rw::for_each_tensor(layer,
                            [&](const std::string&, torch::Tensor& t, rw::tensor_kind) { w = t; });
        return std::vector{y.detach(), in.gradient_proxy.grad(), w.grad()};
      };
      const auto found = pass();
      CHECK(found[0].size(2) == (height + stride - 1) / stride);
      CHECK(found[0].size(3) == (width + stride - 1) / stride);
      const rw::without_integers reference;
      const auto wanted = pass();
      for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(torch::equal(found[i], wanted[i]));
    }
}
