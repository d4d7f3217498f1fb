// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include <rolewise/data/glyphs.hpp>
#include <rolewise/network/convolution.hpp>
#include <rolewise/network/layered.hpp>
#include <rolewise/network/linear.hpp>
#include <rolewise/network/network.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/schemes.hpp>
#include <rolewise/report/cost_table.hpp>

#include <torch/types.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;

namespace {

/// Levels as in a template that forgets their range.
struct without_range : rw::dorefa {
  template<typename State>
  struct states {
    static constexpr bool has_state = false;
    State inner;

    rw::quantized operator()(const torch::Tensor& x, rw::bit_width bits) const
    {
      auto q = inner(x, bits);
      q.range.reset();
      return q;
    }
  };
  [[nodiscard]] auto start_weights(const rw::layer_id& place) const
  {
    return states<decltype(rw::dorefa::start_weights(place))>{rw::dorefa::start_weights(place)};
  }
  [[nodiscard]] auto start_activations(const rw::layer_id& place) const
  {
    return states<decltype(rw::dorefa::start_activations(place))>{
        rw::dorefa::start_activations(place)};
  }
};

enum class forgets { nothing, in_state, in_reports, everywhere };

/// Two convolutions and a classifier; what it forgets is the second convolution.
template<forgets what, rw::Quantizer Q = rw::dorefa>
struct body : rw::layered<body<what, Q>> {
  using base = rw::layered<body<what, Q>>;

  rw::convolution<Q> first, second;
  rw::activation<Q> between;
  rw::linear<Q> classifier;

  explicit body(const Q& q = {}) : body{q, planned(q)} {}
  body(const Q& q, const rw::layer_plan& plan)
      : first{q, plan.at("first", convolution), {.in = 1, .out = 4}, {}},
        second{q, plan.at("second", convolution), {.in = 4, .out = 4, .stride = 2}, {}},
        between{q, plan.at("second", convolution)},
        classifier{q, plan.at("classifier", rw::layer_kind::linear), 4, 3, {}}
  {}

  static constexpr auto convolution = rw::layer_kind::convolution;
  static rw::layer_plan planned(const Q& q)
  {
    return {q,
            rw::inner_bits<2>,
            {{"first", convolution, 0, 3},
             {"second", convolution, 1, 3},
             {"classifier", rw::layer_kind::linear, 2, 3}}};
  }

  [[nodiscard]] rw::outputs forward(const torch::Tensor& x, rw::phase when, rw::taps)
  {
    const auto map = second(between.rectify(first(rw::unquantized<Q>(x), when), when), when).relu();
    return {.logits = classifier(map.mean(torch::IntArrayRef{2, 3}), when), .features = {}};
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("first", self.first);
    f("between", self.between);
    if (what == forgets::nothing || what == forgets::in_reports) f("second", self.second);
    f("classifier", self.classifier);
  }
  [[nodiscard]] std::vector<rw::layer_report> layers() const
  {
    auto all = this->reports();
    if (what == forgets::in_state) all.push_back(second.report());
    if (what == forgets::in_reports) all.erase(all.begin() + 1);
    return all;
  }
  [[nodiscard]] std::string name() const { return "own"; }
};

rw::batch images(std::int64_t count = 2)
{
  torch::manual_seed(1);
  return {
      torch::rand({count, 1, 6, 8}), torch::zeros(count, torch::kLong), torch::arange(count), {}};
}

/// A body that reports a layer of its own type.
struct own_layer_body {
  torch::Tensor weight = torch::ones({2, 6}).set_requires_grad(true);
  bool shows = true;

  [[nodiscard]] rw::outputs forward(const torch::Tensor& x, rw::phase, rw::taps) const
  {
    return {.logits = x.flatten(1).matmul(weight.t()), .features = {}};
  }
  [[nodiscard]] std::vector<rw::layer_report> layers() const
  {
    return {{.place = {"own"}, .widths = {}, .weights = 12}};
  }
  [[nodiscard]] std::string name() const { return "own"; }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    if (shows) archive.parameter("matrix", weight);
  }
};

}  // namespace

TEST_CASE("a network shows the layers that it reports, and reports those that it shows")
{
  CHECK_NOTHROW(rw::network{body<forgets::nothing>{}});
  CHECK_THROWS_WITH_AS(rw::network{body<forgets::in_state>{}},
                       "rolewise: own: layers() reports the layer second with 144 weights, but "
                       "visit_state does not show them: they would be neither trained, nor copied, "
                       "nor stored",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(rw::network{body<forgets::in_reports>{}},
                       "rolewise: own: visit_state shows the layer second with 144 weights, but "
                       "layers() does not report it: costs would count it in full precision, and "
                       "set_bits would pass it by",
                       std::invalid_argument);
  CHECK_NOTHROW(rw::network{own_layer_body{}});
  CHECK_THROWS_WITH_AS((rw::network{own_layer_body{.shows = false}}),
                       "rolewise: own: layers() reports the layer own with 12 weights, but "
                       "visit_state does not show them: they would be neither trained, nor copied, "
                       "nor stored",
                       std::invalid_argument);
}

TEST_CASE("the first training pass refuses a layer that runs and is shown nowhere")
{
  rw::network sound{body<forgets::nothing>{}};
  CHECK_NOTHROW((void)sound.forward(images()));
  rw::network careless{body<forgets::everywhere>{}};
  CHECK_NOTHROW((void)careless.predict(images()));
  auto copy = careless;
  for (auto* const n : {&careless, &copy})
    CHECK_THROWS_WITH_AS((void)n->forward(images()),
                         "rolewise: own: the forward pass reads a learned tensor of shape [4, 4, "
                         "3, 3] that visit_state does not show: it would be neither trained, nor "
                         "copied, nor stored",
                         std::invalid_argument);

  // Inputs with a graph of their own, such as generated ones, bring leaves of other models.
  const auto generator = torch::ones({}).set_requires_grad(true);
  auto generated = images();
  generated.inputs = generated.inputs * generator;
  rw::network learner{body<forgets::nothing>{}};
  CHECK_NOTHROW((void)learner.forward(generated));
  CHECK_NOTHROW((void)learner.forward(images()));
}

TEST_CASE("output pixels are unknown before the first forward pass, and then those of the last")
{
  const rw::network n{body<forgets::nothing>{}};
  const auto before = rw::costs_of(n);
  CHECK_FALSE(before.has_positions());
  CHECK_FALSE(before.layers[0].positions.has_value());
  CHECK(before.layers[2].positions == 1);
  CHECK_THROWS_WITH_AS((void)before.multiply_adds(),
                       "rolewise: layer_report: the multiply-adds of first are unknown before its "
                       "first forward pass",
                       std::invalid_argument);
  CHECK_THROWS_AS((void)before.bit_operations(), std::invalid_argument);
  CHECK(before.bytes() == rw::costs_of(n).bytes());
  const auto table = rw::report::cost_table(before).text();
  CHECK(table.find("unknown") != std::string::npos);
  const auto lines = rw::report::cost_json_lines(before);
  CHECK(lines.find("\"multiply_adds\": null") != std::string::npos);

  (void)n.predict(images());
  const auto after = rw::costs_of(n);
  CHECK(after.has_positions());
  CHECK(after.layers[0].positions == 6 * 8);
  CHECK(after.layers[1].positions == 3 * 4);
  CHECK(after.multiply_adds() == 36 * 48 + 144 * 12 + 12);
  CHECK(rw::report::cost_table(after).text().find("unknown") == std::string::npos);
  const auto copy = n;
  CHECK(rw::costs_of(copy).multiply_adds() == after.multiply_adds());
}

TEST_CASE("layers of a quantizer without ranges say why they multiply no integers")
{
  const rw::network n{body<forgets::nothing, without_range>{}};
  (void)n.predict(images());
  CHECK(n.layers()[1].arithmetic == rw::layer_arithmetic::unknown_range);
  const rw::network with{body<forgets::nothing>{}};
  (void)with.predict(images());
  CHECK(with.layers()[1].arithmetic != rw::layer_arithmetic::unknown_range);
}
