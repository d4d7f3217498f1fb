// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/network_body.hpp"
#include "laws/teacher.hpp"
#include "support/own_networks.hpp"

#include <rolewise/measurement/agreement.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/vgg.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/teacher/cached_teacher.hpp>
#include <rolewise/teacher/post_training_quantized.hpp>

#include <cmath>
#include <concepts>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace rw = rolewise;
using rw::layer_arithmetic;

namespace {

const rw::sample_shape small{.channels = 3, .height = 16, .width = 12, .classes = 10};

rw::batch images(std::int64_t count, std::uint64_t seed = 0)
{
  torch::manual_seed(seed);
  return {torch::randint(0, 256, {count, small.channels, small.height, small.width}, torch::kByte),
          torch::zeros(count, torch::kLong),
          torch::arange(count),
          {.mean = {.5, .5, .5}, .std = {.25, .25, .25}}};
}

/// Fills running statistics by training batches, and perturbs batch norm per channel, with some
/// negative weights.
template<typename Network>
Network stirred(Network n)
{
  const torch::NoGradGuard without_graph;
  for (std::uint64_t i = 0; i < 30; ++i) (void)n.forward(images(16, 100 + i));
  torch::manual_seed(7);
  rw::for_each_tensor(n, [](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
    if (name.find("batch_norm") == std::string::npos) return;
    if (name.ends_with(".weight")) t.mul_(torch::rand_like(t) * 2 - 0.3);
    if (name.ends_with(".bias")) t.add_(torch::randn_like(t) * 0.3);
  });
  return n;
}

/// VGG11 with few channels, and more than one convolution in the first block.
const rw::vgg_plan thin_vgg{
    .name = "thin", .convolutions = {2, 1, 2, 2, 2}, .widths = {16, 24, 32, 40, 48}};

double distance(const torch::Tensor& a, const torch::Tensor& b)
{
  return ((a - b).norm() / (b - b.mean()).norm()).item<double>();
}

}  // namespace

TEST_CASE("grids hold their range and have 0 on them")
{
  const auto positive = rw::byte_grid::over(0.0, 2.55);
  CHECK(positive.scale == doctest::Approx(0.01));
  CHECK(positive.zero == 0);
  const auto around = rw::byte_grid::over(-1.0, 3.0);
  CHECK(around.scale == doctest::Approx(4.0 / 255));
  CHECK(around.zero == 64);
  CHECK(rw::byte_grid::over(1.0, 2.0).zero == 0);
  CHECK(rw::byte_grid::over(-2.0, -1.0).zero == 255);
  CHECK(rw::byte_grid::over(0.0, 0.0).scale == 1.0);
  CHECK(rw::byte_grid::over(0.0, 1e-45).scale == 1.0);
  CHECK_THROWS_WITH_AS((void)rw::byte_grid::over(0.0, std::nan("")),
                       "rolewise: byte_grid: want a finite range in order, got 0 .. nan",
                       std::invalid_argument);

  const auto values = torch::tensor({-9.0f, -1.0f, 0.0f, 0.007f, 2.99f, 9.0f});
  const auto map = rw::byte_map::of(values, around);
  CHECK(torch::equal(map.codes, torch::tensor({0, 0, 64, 64, 255, 255}, torch::kByte)));
  CHECK(map.values()[2].item<float>() == 0.0f);
  const auto inside = torch::rand({1000}) * 3.9 - 0.99;
  CHECK((rw::byte_map::of(inside, around).values() - inside).abs().max().item<double>() <=
        around.scale * 0.5001);
}

TEST_CASE("ranges are the extremes of all batches, or hold a share of the values")
{
  const auto wave = torch::arange(-100, 901).to(torch::kFloat);
  rw::detail::calibrated_ranges extremes{1.0};
  extremes.observe("x", wave);
  extremes.observe("x", wave * 0.5);
  CHECK(extremes.grid("x").scale == doctest::Approx(1000.0 / 255));
  rw::detail::calibrated_ranges most{0.99};
  most.observe("x", wave);        // the range -90 .. 890
  most.observe("x", wave * 0.5);  // half of that range: the mean is -67.5 .. 667.5
  CHECK(most.grid("x").scale == doctest::Approx(735.0 / 255).epsilon(0.005).scale(0));
  most.observe("y", wave.relu());
  CHECK(most.grid("y").zero == 0);
  CHECK_THROWS_WITH_AS(rw::detail::calibrated_ranges{0.0},
                       "rolewise: calibration: want a share of values in (0, 1], got 0",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      most.observe("y", torch::tensor({0.0f, std::numeric_limits<float>::infinity()})),
      "rolewise: calibration: y gives values that are not finite", std::invalid_argument);
}

TEST_CASE("a convolution from bytes to bytes is that of the values, rounded once")
{
  torch::manual_seed(0);
  for (const auto padding : {rw::padding_rule::symmetric, rw::padding_rule::same})
    for (const std::int64_t stride : {1, 2})
      for (const bool rectify : {false, true})
        for (const bool add : {false, true}) {
          const rw::convolution_shape shape{
              .in = 16, .out = 24, .kernel = 3, .stride = stride, .padding = padding};
          const auto weight = torch::randn({24, 16, 3, 3});
          const auto bias = torch::randn(24);
          const auto in = rw::byte_grid::over(-1.0, 2.0), aside = rw::byte_grid::over(-3.0, 5.0);
          const auto out = rectify ? rw::byte_grid::over(0.0, 40.0) : rw::byte_grid::over(-40, 30);
          rw::int8_convolution layer{{"layer", weight, bias, shape}, in, out};
          const auto random_codes = [](at::IntArrayRef sizes) {
            return torch::randint(0, 256, sizes, torch::kByte)
                .contiguous(torch::MemoryFormat::ChannelsLast);
          };
          const rw::byte_map x{random_codes({2, 16, 8, 8}), in};
          rw::byte_map added{random_codes({2, 24, 8 / stride, 8 / stride}), aside};
          rw::byte_map again{added.codes.clone(), aside};

          // Rounding moves a weight by at most half a step of its output channel's scale.
          const auto step = weight.abs().amax({1, 2, 3}, true) / 127;
          auto expected = torch::conv2d(padding == rw::padding_rule::same && stride == 2
                                            ? torch::constant_pad_nd(x.values(), {0, 1, 0, 1})
                                            : torch::constant_pad_nd(x.values(), {1, 1, 1, 1}),
                                        (weight / step).round() * step, bias, stride);
          if (add) expected += added.values();
          if (rectify) expected.relu_();
          const auto codes = rw::byte_map::of(expected, out).codes.to(torch::kInt);

          const auto got = layer(x, rectify, add ? &added : nullptr);
          CHECK((got.codes.scalar_type() == torch::kByte));
          CHECK((got.codes.to(torch::kInt) - codes).abs().max().item<int>() <= 1);
          CHECK(got.codes.to(torch::kInt).ne(codes).sum().item<int>() < 10);
          const rw::without_integers reference;
          const auto floats = layer(x, rectify, add ? &again : nullptr);
          CHECK(layer.report().arithmetic == layer_arithmetic::switched_off);
          CHECK(floats.codes.to(torch::kInt).ne(codes).sum().item<int>() < 10);
        }
}

TEST_CASE("a network in 8 bits gives the network's logits, up to rounding")
{
  const auto check = [&](auto network) {
    const auto trained = stirred(std::move(network));
    const auto examples = images(64, 1);
    const torch::NoGradGuard without_graph;
    const auto teacher = rw::post_training_quantized(trained, {images(64, 2), images(64, 3)});
    constexpr auto all = rw::offered_taps<decltype(teacher.network())>();
    const auto full = trained.predict(examples, all);
    const auto answer = teacher.forward(examples, all);
    CHECK(distance(answer.logits, full.logits) < 0.1);
    REQUIRE(answer.features.available() == all);
    CHECK(all.size() == rw::offered_taps<decltype(trained)>().size() / 2 + 1);
    for (const auto& [id, f] : full.features) {
      CAPTURE(rw::tap_name{id}.view());
      CHECK(answer.features[id].sizes() == f.sizes());
      CHECK(distance(answer.features[id], f) < 0.1);
    }
    const double same = rw::measurement::agreement(teacher, rw::frozen(trained),
                                                   std::vector{images(64, 4), images(7, 5)});
    CHECK(same > 0.9);
    const auto expected = rw::detail::byte_output_support().available
                              ? layer_arithmetic::integer
                              : layer_arithmetic::no_operators;
    const auto layers = teacher.network().layers();
    for (std::size_t i = 0; i + 1 < layers.size(); ++i) CHECK(layers[i].arithmetic == expected);
    CHECK(layers.front().widths.weights == rw::bit_width{8});
    CHECK(layers.back().widths.weights == rw::bit_width{32});
    CHECK(layers.back().place.is_last());

    const rw::without_integers reference;
    CHECK(distance(teacher.forward(examples).logits, answer.logits) < 0.05);
  };
  check(rw::resnet14(small));
  const rw::residual_plan<> plan{
      .name = "narrow", .stem = 8, .widths = {8, 16, 24}, .padding = rw::padding_rule::same};
  check(rw::make_residual_network(plan, small));
  check(rw::wide_resnet(10, 1, small));
  check(rw::wide_resnet(16, 2, small));
  check(rw::make_residual_network(
      rw::residual_plan<2, rw::residual_form::pre_activation>{
          .name = "pre", .stem = 8, .widths = {8, 24}, .padding = rw::padding_rule::same},
      small));
  check(rw::make_vgg(thin_vgg, small));
}

TEST_CASE("options leave the ends in full precision, or take them too")
{
  const auto trained = stirred(rw::resnet8(small));
  const std::vector seen{images(32, 2)};
  const auto examples = images(16, 1);
  const auto full = rw::frozen(trained).forward(examples).logits;
  std::set<std::uint64_t> fingerprints;
  for (const rw::int8_options& options :
       {rw::int8_options{}, {.stem = false}, {.classifier = true}, {.share = 0.999}}) {
    const auto teacher = rw::post_training_quantized(trained, seen, options);
    CHECK(distance(teacher.forward(examples).logits, full) < 0.15);
    const auto layers = teacher.network().layers();
    CHECK(layers.front().widths.weights.value() == (options.stem ? 8 : 32));
    CHECK(layers.back().widths.weights.value() == (options.classifier ? 8 : 32));
    fingerprints.insert(teacher.fingerprint());
    CHECK(rw::post_training_quantized(trained, seen, options).fingerprint() ==
          teacher.fingerprint());
    // A quarter of the weights' bytes, plus scales and biases in full precision.
    CHECK(teacher.network().bytes() < 0.35 * trained.bytes());
    CHECK(teacher.network().bytes() > 0.25 * trained.bytes());
  }
  fingerprints.insert(rw::frozen(trained).fingerprint());
  fingerprints.insert(rw::post_training_quantized(trained, {images(32, 3)}).fingerprint());
  CHECK(fingerprints.size() == 6);
}

TEST_CASE("a network in 8 bits keeps the laws of teachers and bodies")
{
  const auto check = [](const auto& trained) {
    for (const bool stem : {true, false}) {
      const rw::int8_options options{.stem = stem, .classifier = !stem};
      const auto teacher = rw::post_training_quantized(trained, {images(16, 2)}, options);
      rw::laws::hold_for(teacher, images(5, 3));
      rw::laws::body_holds_for(teacher.network().body(), rw::normalized_inputs(images(4, 3)),
                               small.classes);
      const auto layers = teacher.network().layers(), expected = trained.layers();
      REQUIRE(layers.size() == expected.size());
      for (std::size_t i = 0; i < layers.size(); ++i) {
        CHECK(layers[i].place.name == expected[i].place.name);
        CHECK(layers[i].place.kind == expected[i].place.kind);
        CHECK(layers[i].weights == expected[i].weights);
      }
      CHECK(teacher.network().name() == trained.name() + "-8bit");
      CHECK(teacher.fingerprint() ==
            rw::post_training_quantized(trained, {images(16, 2)}, options).fingerprint());
    }
  };
  check(stirred(rw::resnet8(small)));
  check(stirred(rw::wide_resnet(10, 1, small)));
  check(stirred(rw::make_vgg(thin_vgg, small)));
  static_assert(rw::FingerprintedTeacher<
                rw::frozen_teacher<rw::network<rw::int8_body<rw::residual_body<>>>>>);
}

TEST_CASE("packed weights follow the codes, and copies are deep")
{
  const auto teacher = rw::post_training_quantized(stirred(rw::resnet8(small)), {images(16, 2)});
  const auto examples = images(4, 3);
  const auto before = teacher.forward(examples).logits;
  auto changed = teacher;
  const auto parameters = changed.network().parameters();
  (void)changed.forward(examples);
  for (const auto& p : parameters)
    if (p.name == "stage1.0.convolution1.weight") p.value.neg_();
  const auto after = changed.forward(examples).logits;
  CHECK_FALSE(torch::equal(after, before));
  CHECK(torch::equal(teacher.forward(examples).logits, before));
  const rw::without_integers reference;
  CHECK(distance(changed.forward(examples).logits, after) < 0.05);
}

namespace {

/// An archive that doubles the scale of each grid it visits.
struct doubling_archive : rw::archive_archetype {
  template<rw::PlainState T>
  void value(std::string_view name, T& x)
  {
    if constexpr (std::is_same_v<T, double>)
      if (name == "scale") x *= 2;
  }
  template<typename Part>
  void part(std::string_view, Part& inner)
  {
    inner.visit_state(*this);
  }
};

}  // namespace

TEST_CASE("packed weights follow grids that a reader writes")
{
  torch::manual_seed(0);
  const auto in = rw::byte_grid::over(0.0, 1.0), out = rw::byte_grid::over(-9.0, 9.0);
  rw::int8_convolution layer{
      {"layer", torch::randn({4, 4, 3, 3}), torch::zeros(4), {.in = 4, .out = 4}}, in, out};
  const rw::byte_map x{torch::randint(0, 256, {1, 4, 6, 6}, torch::kByte), in};
  const auto before = layer(x, false, nullptr).values();
  doubling_archive archive;
  layer.visit_state(archive);  // doubles the scale of the input and of the output
  const auto after = layer(x, false, nullptr).values();
  CHECK(torch::allclose(after, before * 2, 0, 4 * out.scale));
}

TEST_CASE("batch norm of bytes is a table for each channel")
{
  torch::manual_seed(0);
  const auto in = rw::byte_grid::over(-2.0, 3.0), out = rw::byte_grid::over(0.0, 4.0);
  const auto factor = torch::randn(6), shift = torch::randn(6);
  const rw::detail::byte_normalization norm{{"norm", factor, shift}, in, out};
  const auto codes = torch::randint(0, 256, {3, 6, 5, 7}, torch::kByte);
  const rw::byte_map plain{codes, in};
  const rw::byte_map last{codes.contiguous(torch::MemoryFormat::ChannelsLast), in};
  const auto values = (plain.values() * factor.view({6, 1, 1}) + shift.view({6, 1, 1})).relu();
  const auto expected = rw::byte_map::of(values, out).codes.to(torch::kInt);
  const auto got = norm(plain);
  CHECK(got.grid.scale == out.scale);
  CHECK((got.codes.to(torch::kInt) - expected).abs().max().item<int>() <= 1);
  CHECK(got.codes.to(torch::kInt).ne(expected).sum().item<int>() < 3);
  CHECK(torch::equal(norm(last).codes, got.codes));
  CHECK(norm(last).codes.is_contiguous(torch::MemoryFormat::ChannelsLast));
  CHECK(torch::allclose(norm.values(plain), values, 1e-5, 1e-6));
}

TEST_CASE("a network in 8 bits refuses what it cannot do")
{
  const auto wide = stirred(rw::wide_resnet(10, 1, small));
  CHECK_THROWS_WITH_AS(
      (void)rw::post_training_quantized(wide, {}),
      "rolewise: wide_resnet10-1: want batches to see the ranges of its maps on, got none",
      std::invalid_argument);
  auto learner = rw::post_training_quantized(wide, {images(8)}).network();
  CHECK_THROWS_WITH_AS((void)learner.forward(images(4)),
                       "rolewise: wide_resnet10-1-8bit: a network in 8 bits cannot be trained; use "
                       "predict, or freeze it",
                       std::invalid_argument);
  const auto trained = stirred(rw::resnet8(small));
  CHECK_THROWS_WITH_AS((void)rw::post_training_quantized(trained, {}),
                       "rolewise: resnet8: want batches to see the ranges of its maps on, got none",
                       std::invalid_argument);
  auto teacher = rw::post_training_quantized(trained, {images(8)});
  auto network = teacher.network();
  CHECK_THROWS_WITH_AS(
      (void)network.forward(images(4)),
      "rolewise: resnet8-8bit: a network in 8 bits cannot be trained; use predict, or freeze it",
      std::invalid_argument);
  auto broken = trained;
  {
    const torch::NoGradGuard without_graph;
    broken.parameters().front().value.fill_(std::nan(""));
  }
  CHECK_THROWS_WITH_AS((void)rw::post_training_quantized(broken, {images(8)}),
                       "rolewise: calibration: stem gives values that are not finite",
                       std::invalid_argument);
  CHECK_THROWS_AS((void)rw::measurement::agreement(teacher, teacher, std::vector<rw::batch>{}),
                  std::invalid_argument);
}

namespace {

struct sham_operators {
  double moved = 0.0;
  bool throws = false;

  [[nodiscard]] torch::Tensor pack_convolution(const torch::Tensor& w, std::int64_t, std::int64_t,
                                               std::int64_t, at::IntArrayRef) const
  {
    if (throws) throw std::runtime_error{"no such primitive"};
    return w;
  }
  [[nodiscard]] torch::Tensor convolution(const rw::detail::byte_product& p, std::int64_t,
                                          std::int64_t padding, std::int64_t groups,
                                          const rw::detail::byte_output& to) const
  {
    auto y =
        torch::conv2d(p.x.to(torch::kFloat), p.weight.to(torch::kFloat), {}, 1, padding, 1, groups);
    y = y * p.scale.view({1, -1, 1, 1}) + to.bias.view({1, -1, 1, 1});
    if (to.accumulator.defined())
      y = y + (to.accumulator.to(torch::kFloat) - to.accumulator_zero) * to.accumulator_scale;
    if (to.rectify) y = y.relu();
    return (y / *to.scale)
        .round()
        .add(static_cast<double>(to.zero) + moved)
        .clamp(0, 255)
        .to(torch::kByte);
  }
};

}  // namespace

TEST_CASE("the probe of bytes to bytes lets a neighboring code pass and no more")
{
  const auto probed = [](double moved, bool throws = false) {
    return rw::detail::probe_byte_outputs(sham_operators{moved, throws});
  };
  CHECK(probed(0).available);
  CHECK(probed(1).available);
  CHECK_FALSE(probed(2).available);
  CHECK(probed(2).reason.find("other codes") != std::string::npos);
  CHECK(probed(1).problem_of_groups.empty());
  CHECK(probed(0, true).reason == "an operator failed: no such primitive");
  CHECK(rw::detail::byte_output_support().available ==
        rw::detail::byte_output_support().reason.empty());
}

TEST_CASE("max pooling of bytes is that of their values")
{
  const rw::detail::max_pooling pool;
  for (const auto& sizes : {std::vector<std::int64_t>{2, 3, 8, 6}, {1, 16, 5, 9}}) {
    const auto codes = torch::randint(0, 256, sizes, torch::kByte);
    for (const auto layout : {torch::MemoryFormat::Contiguous, torch::MemoryFormat::ChannelsLast}) {
      const rw::byte_map x{codes.contiguous(layout), rw::byte_grid::over(-1.0, 2.0)};
      CHECK(torch::equal(pool(x).values(), pool(x.values())));
      CHECK(pool(x).codes.is_contiguous(layout));
    }
  }
}

TEST_CASE("max pooling of bytes refuses maps of one row or column")
{
  const rw::detail::max_pooling pool;
  for (const auto& sizes : {std::vector<std::int64_t>{2, 3, 1, 6}, {2, 3, 6, 1}}) {
    const rw::byte_map x{torch::zeros(sizes, torch::kByte), rw::byte_grid::over(-1.0, 2.0)};
    CHECK_THROWS_WITH_AS((void)pool(x),
                         doctest::Contains("max_pooling: want maps of at least 2 x 2 pixels, got "),
                         std::invalid_argument);
  }
}

namespace {

using rw::detail::traced_map;

traced_map convolved(const traced_map& x, const std::string& name)
{
  return x.through(
      rw::detail::folded_convolution{name, torch::zeros({1, 1, 1, 1}), torch::zeros(1), {}});
}
traced_map normalized(const traced_map& x, const std::string& name)
{
  return x.through(rw::detail::folded_normalization{name, torch::ones(1), torch::zeros(1)});
}
void tap(const traced_map& x)
{
  x.of().keep(rw::tap_kind::stage, 1, [&] { return x; });
}
void finish(const traced_map& x) { x.of().finish(pooled(x).map); }

/// What is pooled is classified, once, and read by no other layer.
template<typename Layer, typename X>
constexpr bool reads = std::invocable<Layer&, const X&, rw::phase>;
using convolution = rw::convolution<rw::no_quantizer>;
using linear = rw::linear<rw::no_quantizer>;
static_assert(reads<convolution, traced_map> && !reads<convolution, rw::detail::traced_vector>);
static_assert(reads<linear, rw::detail::traced_vector> && !reads<linear, traced_map>);
static_assert(!reads<linear, rw::detail::traced_logits>);

}  // namespace

TEST_CASE("a trace refuses forward passes that it cannot fold")
{
  const auto refused = [](const std::string& words, const auto& forward) {
    rw::detail::trace of;
    const auto said = "rolewise: trace: cannot fold a network in which " + words;
    CHECK_THROWS_WITH_AS(forward(of.image()), said.c_str(), std::invalid_argument);
  };
  const std::string in_place = "an operation in place does not follow its layer";
  refused(in_place, [](const traced_map& image) { (void)image.rectified(); });
  refused(in_place, [](const traced_map& image) {  // of what was read before it
    const auto x = convolved(image, "stem");
    (void)convolved(x, "next");
    (void)x.rectified();
  });
  refused(in_place, [](const traced_map& image) {  // a map in a sum of what was made of it
    const auto x = convolved(convolved(image, "stem"), "one"), y = convolved(x, "other");
    (void)x.plus(y);
  });

  const std::string stem = "other layers than one convolution read the image";
  refused(stem, [](const traced_map& image) { (void)max_pooled(image); });
  refused(stem, [](const traced_map& image) {
    (void)convolved(image, "one");
    (void)convolved(image, "other");
  });

  const std::string sum = "a sum is not that of a convolution and one map";
  refused(sum, [](const traced_map& image) {
    const auto x = convolved(image, "stem"), y = convolved(x, "next");
    (void)y.plus(x).plus(x);
  });
  refused(sum, [](const traced_map& image) {
    const auto x = convolved(image, "stem");
    (void)max_pooled(x).plus(x);
  });
  refused(sum, [](const traced_map& image) {
    const auto x = convolved(image, "stem");
    (void)convolved(x, "next").rectified().plus(x);
  });
  refused("a map is added to the output of the stem", [](const traced_map& image) {
    const auto x = convolved(image, "stem");
    (void)x.plus({image.of(), 1});
  });
  const std::string added = "the image, or a map itself, is added to a map";
  refused(added, [](const traced_map& image) {
    (void)convolved(convolved(image, "stem"), "next").plus(image);
  });
  refused(added, [](const traced_map& image) {
    const auto x = convolved(convolved(image, "stem"), "next");
    (void)x.plus(x);
  });

  refused("ReLU follows a pooling",
          [](const traced_map& image) { (void)max_pooled(convolved(image, "stem")).rectified(); });
  refused("neither a convolution precedes a batch norm, nor ReLU follows it",
          [](const traced_map& image) { finish(normalized(convolved(image, "stem"), "norm")); });
  refused("the pooled map is not the last one", [](const traced_map& image) {
    const auto x = convolved(image, "stem");
    (void)convolved(x, "next");
    finish(x);
  });
  refused("the pooled map is not the last one", [](const traced_map& image) { finish(image); });

  refused("the image is tapped", [](const traced_map& image) { tap(image); });
  const std::string tapped = "an operation in place changes a map that is tapped";
  refused(tapped, [](const traced_map& image) {
    const auto x = convolved(image, "stem");
    tap(x);
    (void)x.rectified();
  });
  refused(tapped, [](const traced_map& image) {
    const auto x = convolved(image, "stem"), y = convolved(x, "next");
    tap(y);
    (void)y.plus(x);
  });

  const std::string twice = "a layer runs twice: its state would be there twice";
  refused(twice, [](const traced_map& image) {
    (void)convolved(convolved(convolved(image, "stem"), "next"), "next");
  });
  refused(twice,
          [](const traced_map& image) { (void)convolved(convolved(image, "stem"), "stem"); });
  refused(twice, [](const traced_map& image) {
    (void)normalized(normalized(convolved(image, "stem"), "norm").rectified(), "norm");
  });
  refused("a batch norm is not in the state of the body",
          [](const traced_map& image) { (void)image.of().name_of(nullptr); });
}

TEST_CASE("layers of any name have ranges of their own")
{
  rw::detail::trace of;
  finish(convolved(convolved(of.image(), "input"), "means"));
  of.network().classifier = "classifier";
  const auto ranges =
      rw::detail::ranges_of("own", of.network(), {torch::full({1, 1, 2, 2}, 2.0f)}, 1.0);
  CHECK(ranges.grid(rw::detail::input_of_stem(of.network())).scale == doctest::Approx(2.0 / 255));
  CHECK(ranges.grid("input").scale == 1.0);  // the output of the layer, which is 0
  CHECK(ranges.grid("means").scale == 1.0);
}

TEST_CASE("the last batch norm is a layer if it is tapped, or reads another map than the last")
{
  const auto graph_of = [](const auto& forward) {
    rw::detail::trace of;
    finish(forward(convolved(of.image(), "stem")));
    rw::detail::calibrated_ranges ranges{1.0};
    for (const auto* name : {"stem", "norm", "aside"}) ranges.observe(name, torch::ones(1));
    return rw::detail::in_bytes(of.network(), ranges);
  };
  const auto is_taken = [](rw::detail::int8_graph graph) {
    const auto before = graph.nodes.size();
    const bool taken = rw::detail::last_normalization(graph).has_value();
    CHECK(graph.nodes.size() == before - (taken ? 1 : 0));
    return taken;
  };
  CHECK(is_taken(graph_of([](const traced_map& x) { return normalized(x, "norm").rectified(); })));
  CHECK_FALSE(is_taken(graph_of([](const traced_map& x) {
    const auto y = normalized(x, "norm").rectified();
    tap(y);
    return y;
  })));
  CHECK_FALSE(is_taken(graph_of([](const traced_map& x) {
    (void)convolved(x, "aside");
    return normalized(x, "norm").rectified();
  })));
}

TEST_CASE("a graph frees maps after their last reader, and copies what is read again")
{
  // stem -> a; b = a + stem, where stem is read once more after the sum.
  rw::detail::trace of;
  const auto stem = convolved(of.image(), "stem");
  const auto a = convolved(stem, "a").plus(stem);
  const auto b = convolved(stem, "b").plus(a);
  finish(b);
  auto& network = of.network();
  CHECK(network.graph.order == std::vector<std::size_t>{0, 1});
  std::vector<const void*> added_maps, made;
  const auto first = torch::ones({1, 1, 2, 2});
  const auto run = [&](const rw::detail::folded_layer&, const torch::Tensor& x, bool,
                       torch::Tensor* added) {
    REQUIRE(added);
    added_maps.push_back(added->data_ptr());
    const auto y = x + *added;
    made.push_back(y.data_ptr());
    added->fill_(99);  // as the operators do
    return y;
  };
  const auto last = network.graph(first, run, [](rw::tap_id, const torch::Tensor&) {});
  REQUIRE(added_maps.size() == 2);
  CHECK(added_maps[0] != first.data_ptr());
  CHECK(added_maps[1] == made[0]);
  CHECK(torch::equal(last, torch::full_like(last, 3)));
}

namespace {

using rw::testing::own_image_body;

struct offering_body : own_image_body {
  static constexpr rw::taps offered_taps{rw::tap::stage<1>, rw::tap::penultimate};
  using own_image_body::own_image_body;
};

}  // namespace

TEST_CASE("a body of one's own in 8 bits")
{
  const auto trained = stirred(rw::network<own_image_body>{own_image_body{{}, small}});
  const auto teacher = rw::post_training_quantized(trained, {images(64, 2), images(64, 3)});
  const auto examples = images(64, 1);
  CHECK(distance(teacher.forward(examples).logits, trained.predict(examples).logits) < 0.1);
  rw::laws::hold_for(teacher, images(5, 3));

  auto body = teacher.network().body();
  static_assert(rw::offered_taps<decltype(body)>().empty());
  rw::laws::body_holds_for(body, rw::normalized_inputs(images(4, 3)), small.classes);
  std::vector<std::string> parts;
  rw::for_each_part(body, [&](const std::string& name, const auto& part) {
    if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(part)>, rw::byte_grid>)
      parts.push_back(name);
  });
  CHECK(parts == std::vector<std::string>{"stem", "block", "block.convolution1",
                                          "block.convolution2", "classifier"});
  const auto layers = teacher.network().layers(), expected = trained.layers();
  REQUIRE(layers.size() == expected.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    CHECK(layers[i].place.name == expected[i].place.name);
    CHECK(layers[i].place.kind == expected[i].place.kind);
  }

  const offering_body offers{{}, small};
  CHECK_THROWS_WITH_AS((rw::int8_body<offering_body>{offers, {torch::ones({1, 3, 16, 12})}}),
                       "rolewise: own: the body offers tap::stage<1>, but keeps no map of it",
                       std::invalid_argument);
}

TEST_CASE("a plan has layers, each under a name of its own")
{
  const auto planned = [](const std::vector<rw::layer_id>& places) {
    return rw::layer_plan{rw::no_quantizer{}, rw::full_precision{}, places};
  };
  CHECK_THROWS_WITH_AS((void)planned({}),
                       "rolewise: layer_plan: the network lists no layer with weights",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)planned({{"stem"}, {"block"}, {"stem"}}),
                       "rolewise: layer_plan: two layers have the name stem",
                       std::invalid_argument);
  CHECK(planned({{"stem"}, {"block"}}).at("block", rw::layer_kind::convolution).place.name ==
        "block");
}
