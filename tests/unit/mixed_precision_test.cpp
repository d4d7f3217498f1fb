// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/sanitized.hpp"

#include <rolewise/core/draws.hpp>
#include <rolewise/data/glyphs.hpp>
#include <rolewise/measurement/bit_sensitivity.hpp>
#include <rolewise/measurement/hessian_trace.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/quant/bit_allocation.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/layer_report.hpp>
#include <rolewise/quant/lq_nets.hpp>
#include <rolewise/quant/tied_layers.hpp>
#include <rolewise/report/cost_table.hpp>
#include <rolewise/search/bit_space.hpp>
#include <rolewise/search/grid.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/train/run_search.hpp>
#include <rolewise/train/supervised.hpp>

#include <torch/csrc/autograd/autograd.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;
using rw::bit_width;

namespace {

rw::layer_bits both(int bits) { return {bit_width{bits}, bit_width{bits}}; }

/// The layers of the ResNet18 for ImageNet, at 224 x 224.
std::vector<rw::layer_report> imagenet_resnet18(int inside, int ends)
{
  std::vector<rw::layer_report> layers;
  const auto add = [&](const std::string& name, rw::layer_kind kind, std::int64_t weights,
                       std::int64_t size) {
    layers.push_back({{name, kind}, both(inside), weights, size * size});
  };
  add("stem", rw::layer_kind::convolution, 64 * 3 * 49, 112);
  std::int64_t in = 64, size = 56;
  for (const std::int64_t out : {64, 128, 256, 512}) {
    add("a", rw::layer_kind::convolution, 9 * in * out, size);
    for (int i = 0; i < 3; ++i) add("b", rw::layer_kind::convolution, 9 * out * out, size);
    if (in != out) add("s", rw::layer_kind::shortcut, in * out, size);
    in = out;
    size /= 2;
  }
  add("classifier", rw::layer_kind::linear, 512 * 1000, 1);
  layers.front().widths = layers.back().widths = both(ends);
  return layers;
}

/// Three layers with published traces and distances; costs in giga bit-operations.
std::vector<rw::bit_question> three_layers()
{
  const auto question = [](const char* name, double trace, double eight, double four) {
    const double operations = 115.605504e-3;
    return rw::bit_question{
        {name},
        {{both(8), operations * 64, trace * eight}, {both(4), operations * 16, trace * four}}};
  };
  return {question("a", .06858, .0235, 6.743), question("b", .00373, .0148, 4.8857),
          question("c", .00073, .0532, 17.4016)};
}

std::string digits(const rw::bit_allocation& found)
{
  std::string text;
  for (const auto& layer : found.layers) text += std::to_string(layer.widths.weights.value());
  return text;
}

rw::batch images(const rw::sample_shape& shape, std::int64_t count)
{
  torch::manual_seed(2);
  return {torch::randn({count, shape.channels, shape.height, shape.width}),
          torch::arange(count).remainder(shape.classes),
          torch::arange(count),
          {}};
}

/// A model of two layers, x and y, whose logit is sum_d a_d x_d^2 / 2 + x_0 x_1 / 2 + x_2 sum_d
/// y_d^2, whatever the batch.
struct parabola {
  torch::Tensor x = torch::tensor({1.0, 2.0, 3.0}, torch::kFloat64).set_requires_grad(true);
  torch::Tensor y = torch::tensor({1.0, 2.0}, torch::kFloat64).set_requires_grad(true);

  [[nodiscard]] rw::outputs predict(const rw::batch&, rw::taps) const
  {
    const auto a = torch::tensor({2.0, 1.0, 3.0}, torch::kFloat64);
    return {.logits = (a * x * x).sum() / 2 + x[0] * x[1] * .5 + (y * y).sum() * x[2],
            .features = {}};
  }
  [[nodiscard]] std::vector<rw::layer_report> layers() const
  {
    return {{{"x"}, {}, 3}, {{"y"}, {}, 2}};
  }
  [[nodiscard]] std::vector<rw::named_tensor> parameters() const
  {
    return {{"x.weight", x}, {"y.weight", y}};
  }
};

struct first_logit {
  static constexpr std::string_view name = "first-logit";
  [[maybe_unused]] static constexpr bool has_state = false;

  static constexpr bool reads_teacher = false;
  torch::Tensor operator()(const rw::paired_outputs& pair, const rw::targets&) const
  {
    return pair.student.logits;
  }
};

}  // namespace

TEST_CASE("bit-operations are those of the published tables")
{
  const auto giga = [](int inside, int ends) {
    return rw::network_costs{imagenet_resnet18(inside, ends)}.bit_operations() / 1e9;
  };
  CHECK(rw::network_costs{imagenet_resnet18(32, 32)}.multiply_adds() == 1814073344);
  CHECK(giga(32, 32) == doctest::Approx(1857.6).epsilon(1e-4).scale(0));
  CHECK(giga(8, 8) == doctest::Approx(116.1).epsilon(1e-4).scale(0));
  CHECK(giga(4, 8) == doctest::Approx(34.7).epsilon(1e-3).scale(0));

  const rw::layer_report float_layer{{"a"}, {}, 10, 6};
  CHECK(rw::bit_operations(float_layer) == 1024.0 * 60);
  const rw::layer_report weights_only{{"a"}, {bit_width{2}, bit_width{32}}, 10, 6};
  CHECK(rw::bit_operations(weights_only) == 2.0 * 32 * 60);
  CHECK(rw::bytes(weights_only) == 2.5);
}

TEST_CASE("Role-KD's network costs what its shapes say" * doctest::skip(rw::tests::sanitized))
{
  const rw::sample_shape cifar100{.classes = 100};
  const auto few = rw::costs_of(rw::role_kd_resnet18(cifar100, rw::dorefa{}));
  CHECK(few.bit_operations() == doctest::Approx(4.079e9).epsilon(2e-4).scale(0));
  CHECK(few.bit_operations() == 553648128.0 * 4 + (1769472.0 + 51200.0) * 1024);
  CHECK(few.bytes() == 3039888.0);
  CHECK(few.parameters() == 11220132);
  const auto full = rw::costs_of(rw::role_kd_resnet18(cifar100));
  CHECK(full.bit_operations() == doctest::Approx(568.8e9).epsilon(2e-4).scale(0));
  CHECK(full.bit_operations() == 1024.0 * static_cast<double>(full.multiply_adds()));
  CHECK(full.bytes() == 44880528.0);
}

TEST_CASE("positions are those of the layers' outputs, for odd sizes too")
{
  // The features are the outputs of stem and stages, so their sizes are the expected positions.
  const rw::sample_shape odd{.channels = 2, .height = 13, .width = 7, .classes = 3};
  const torch::NoGradGuard without_graph;
  const auto check = [&](const auto& n) {
    const auto features = n.predict(images(odd, 1), n.offered_taps).features;
    for (const auto& layer : n.layers()) {
      if (layer.place.is_last()) {
        CHECK(layer.positions == 1);
        continue;
      }
      const auto stage =
          layer.place.is_first() ? 0 : static_cast<std::uint8_t>(layer.place.name[5] - '0');
      const auto& f = features[{rw::tap_kind::stage, static_cast<std::uint8_t>(stage)}];
      CHECK(layer.positions == f.size(2) * f.size(3));
    }
  };
  check(rw::resnet8(odd));
  check(rw::wide_resnet(10, 1, odd));
  if (!rw::tests::sanitized) check(rw::role_kd_resnet8(odd));
}

TEST_CASE("choose_bits finds what a budget allows of the published example")
{
  const auto questions = three_layers();
  for (const auto method :
       {rw::allocation_method::dynamic_program, rw::allocation_method::greedy}) {
    const auto at_twelve = rw::choose_bits(questions, 12, method);
    CHECK(digits(at_twelve) == "844");
    CHECK(at_twelve.harm == doctest::Approx(.032538).epsilon(1e-4).scale(0));
    CHECK(at_twelve.cost == doctest::Approx(11.098).epsilon(1e-4).scale(0));
    const auto at_seventeen = rw::choose_bits(questions, 17, method);
    CHECK(digits(at_seventeen) == "884");
    CHECK(at_seventeen.harm == doctest::Approx(.014370).epsilon(1e-4).scale(0));
    CHECK(digits(rw::choose_bits(questions, 22.2, method)) == "888");
    CHECK(digits(rw::choose_bits(questions, 5.55, method)) == "444");
    CHECK(rw::choose_bits(questions, 1e9, method).harm ==
          doctest::Approx(.001706).epsilon(1e-3).scale(0));
  }
  const auto span = rw::span_of(questions);
  CHECK(span.at(0) == doctest::Approx(5.549).epsilon(1e-4).scale(0));
  CHECK(span.at(1) == doctest::Approx(22.196).epsilon(1e-4).scale(0));
  CHECK(rw::choose_bits(questions, span.least).cost == span.least);
  CHECK(rw::choose_bits(questions, span.most).cost == doctest::Approx(span.most));

  const auto scheme = rw::choose_bits(questions, 12).scheme(rw::inner_bits<2>);
  CHECK(scheme({"a", rw::layer_kind::convolution, 1, 5}) == both(8));
  CHECK(scheme({"d", rw::layer_kind::convolution, 1, 5}) == both(2));
}

TEST_CASE("the program is as good as trying everything, and greedy no better")
{
  const rw::draws of{rw::seed{5}, 0, 0};
  std::uint64_t next = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<rw::bit_question> questions;
    for (int layer = 0; layer < 7; ++layer) {
      auto& question = questions.emplace_back();
      question.layers = {std::to_string(layer)};
      for (const int bits : {2, 4, 8})
        question.options.push_back({both(bits), of.uniform(next++, 0, 10), of.uniform(next++)});
    }
    const double budget = rw::span_of(questions).at(.3);
    double best = std::numeric_limits<double>::infinity();
    for (int answer = 0; answer < 2187; ++answer) {
      double cost = 0, harm = 0;
      int rest = answer;
      for (const auto& question : questions) {
        const auto& option = question.options[static_cast<std::size_t>(rest % 3)];
        cost += option.cost;
        harm += option.harm;
        rest /= 3;
      }
      if (cost <= budget) best = std::min(best, harm);
    }
    const auto found = rw::choose_bits(questions, budget);
    CHECK(found.harm == doctest::Approx(best).epsilon(1e-12).scale(0));
    CHECK(found.cost <= budget * (1 + 1e-9));
    const auto greedy = rw::choose_bits(questions, budget, rw::allocation_method::greedy);
    CHECK(greedy.cost <= budget * (1 + 1e-9));
    CHECK(greedy.harm >= found.harm - 1e-12);
  }
}

TEST_CASE("the program copes with many layers, within its budget")
{
  const rw::draws of{rw::seed{6}, 0, 0};
  std::vector<rw::bit_question> questions;
  std::uint64_t next = 0;
  for (int layer = 0; layer < rw::tests::repetitions(60, 30); ++layer) {
    auto& question = questions.emplace_back();
    question.layers = {std::to_string(layer)};
    const double size = of.uniform(next++, 1, 100), slope = of.uniform(next++);
    for (const int bits : {2, 3, 4, 6, 8})
      question.options.push_back({both(bits), size * bits, slope * std::exp2(-2.0 * bits)});
  }
  for (const double share : {0.0, .1, .5, 1.0}) {
    const double budget = rw::span_of(questions).at(share);
    const auto found = rw::choose_bits(questions, budget);
    CHECK(found.cost <= budget * (1 + 1e-9));
    CHECK(found.harm <=
          rw::choose_bits(questions, budget, rw::allocation_method::greedy).harm * 1.0001);
  }
}

TEST_CASE("choose_bits says what is wrong with a budget or a question")
{
  const auto questions = three_layers();
  CHECK_THROWS_WITH_AS(rw::choose_bits(questions, 5),
                       "rolewise: choose_bits: the budget is 5, the least possible is 5.54906",
                       std::invalid_argument);
  CHECK_THROWS_AS(rw::choose_bits(questions, std::nan("")), std::invalid_argument);
  CHECK_THROWS_AS(rw::choose_bits({}, 5), std::invalid_argument);
  CHECK_THROWS_AS(rw::choose_bits({{{"a"}, {}}}, 5), std::invalid_argument);
  CHECK_THROWS_AS(rw::choose_bits({{{"a"}, {{both(2), 1, std::nan("")}}}}, 5),
                  std::invalid_argument);
}

TEST_CASE("layers that are tied get the same widths")
{
  const auto joined = rw::tied(three_layers(), {{"a", "c"}});
  REQUIRE(joined.size() == 2);
  const auto found = rw::choose_bits(joined, 17);
  const auto scheme = found.scheme();
  CHECK(scheme({"a"}) == scheme({"c"}));
  CHECK(scheme({"a"}) == both(8));
  CHECK(scheme({"b"}) == both(4));
  CHECK(found.cost == doctest::Approx(16.647).epsilon(1e-4).scale(0));
  CHECK_THROWS_AS(rw::tied(three_layers(), {{"a", "d"}}), std::invalid_argument);
  CHECK(rw::tied(three_layers(), {{"a", "b"}, {"b", "c"}}).size() == 1);
  CHECK(rw::tied(three_layers(), {{"a", "b"}, {"b", "a"}}).size() == 2);
  auto uneven = three_layers();
  uneven[0].options.pop_back();
  CHECK_THROWS_WITH_AS(rw::tied(uneven, {{"a", "b"}}),
                       "rolewise: tied: layers a and b have different widths to choose from",
                       std::invalid_argument);

  const auto n = rw::resnet8(rw::sample_shape{.classes = 10}, rw::dorefa{});
  const auto ties = rw::shortcut_ties(n.layers());
  REQUIRE(ties.size() == 2);
  CHECK(ties[0] == std::vector<std::string>{"stage2.0.convolution1", "stage2.0.shortcut"});
}

TEST_CASE("the Hutchinson estimate over all signs is the trace")
{
  const auto h = torch::tensor({{2., .5, 0.}, {.5, 1., -.3}, {0., -.3, 3.}}, torch::kFloat64);
  const auto x = torch::ones({3}, torch::kFloat64).set_requires_grad(true);
  const auto slope = torch::autograd::grad({x.dot(h.mv(x)) / 2}, {x}, {}, true, true);
  double sum = 0;
  for (int k = 0; k < 8; ++k) {
    const auto signs =
        torch::tensor({k & 1 ? 1. : -1., k & 2 ? 1. : -1., k & 4 ? 1. : -1.}, torch::kFloat64);
    sum += rw::measurement::detail::quadratic_forms(slope, {x}, {signs})[0];
  }
  CHECK(sum / 8 == doctest::Approx(6).epsilon(1e-12).scale(0));
}

TEST_CASE("traces are estimated layer by layer")
{
  const parabola body;
  const auto traces = rw::measurement::hessian_traces(
      body, rw::batch{}, first_logit{}, {.draws = 400, .tolerance = 0, .seed = rw::seed{1}});
  REQUIRE(traces.size() == 2);
  CHECK(traces[0].trace == doctest::Approx(6).epsilon(.05).scale(0));
  CHECK(traces[1].trace ==
        doctest::Approx(2 * 2 * 3).epsilon(.2).scale(0));  // noise of cross-layer terms
  CHECK(traces[0].mean() == traces[0].trace / 3);
  const auto again = rw::measurement::hessian_traces(
      body, rw::batch{}, first_logit{}, {.draws = 400, .tolerance = 0, .seed = rw::seed{1}});
  CHECK(again[0].trace == traces[0].trace);
  CHECK_THROWS_AS(rw::measurement::hessian_traces(body, rw::batch{}, first_logit{}, {.draws = 0}),
                  std::invalid_argument);
}

TEST_CASE("traces of a network are those of its weights, at any widths")
{
  const rw::sample_shape small{.channels = 1, .height = 8, .width = 8, .classes = 3};
  const auto few = rw::resnet8(small, rw::dorefa{}, rw::inner_bits<2>);
  const auto examples = images(small, 6);
  const auto traces =
      rw::measurement::hessian_traces(few, examples, {}, {.draws = 2, .tolerance = 0});
  const auto full = rw::measurement::hessian_traces(rw::resnet8(small), examples, {},
                                                    {.draws = 2, .tolerance = 0});
  REQUIRE(traces.size() == 10);
  for (std::size_t i = 0; i < traces.size(); ++i) {
    CHECK(traces[i].trace == doctest::Approx(full[i].trace).epsilon(1e-6).scale(0));
    CHECK(traces[i].layer.place.name == full[i].layer.place.name);
    CHECK(traces[i].trace != 0);
  }
  CHECK(traces[1].layer.widths == both(2));
  CHECK(few.layers()[1].widths == both(2));
}

TEST_CASE("the trace of a classifier is that of softmax regression")
{
  const rw::sample_shape small{.channels = 1, .height = 8, .width = 8, .classes = 3};
  const auto n = rw::resnet8(small);
  const auto examples = images(small, 6);
  const auto answer = n.predict(examples, {rw::tap::penultimate});
  const auto p = torch::softmax(answer.logits.detach(), 1);
  const double expected =
      ((p * (1 - p)).sum(1) * answer.features[rw::tap::penultimate].detach().square().sum(1))
          .mean()
          .item<double>();

  rw::paired_outputs pair;
  pair.student = answer;
  const auto w = rw::measurement::detail::weights_of_layers(n, n.layers()).back();
  const auto loss =
      rw::evaluate_loss(rw::cross_entropy{}, pair, rw::targets{examples.labels, examples.ids, {}});
  const auto slope = torch::autograd::grad({loss}, {w}, {}, true, true);
  double sum = 0;
  for (std::int64_t draw = 0; draw < 200; ++draw)
    sum += rw::measurement::detail::quadratic_forms(
        slope, {w}, {rw::measurement::detail::drawn_signs(w, rw::seed{4}, draw)})[0];
  CHECK(sum / 200 == doctest::Approx(expected).epsilon(.08).scale(0));
}

TEST_CASE("questions about a network give a scheme that it takes")
{
  const rw::sample_shape small{.channels = 1, .height = 8, .width = 8, .classes = 3};
  auto n = rw::resnet8(small, rw::dorefa{}, rw::inner_bits<8>);
  const auto traces = rw::measurement::hessian_traces(n, images(small, 6), {}, {.draws = 2});
  for (const auto measure :
       {rw::measurement::cost_measure::bytes, rw::measurement::cost_measure::bit_operations}) {
    const rw::measurement::sensitivity_options options{.widths = {both(8), both(4), both(2)},
                                                       .measure = measure};
    const auto questions =
        rw::tied(rw::measurement::bit_questions(n, rw::dorefa{}, traces, options),
                 rw::shortcut_ties(n.layers()));
    CHECK(questions.size() == 6);
    const double fixed = rw::measurement::undecided_cost(n, questions, measure);
    const auto found = rw::choose_bits(questions, rw::span_of(questions).at(.5));
    n.set_bits(found.scheme());
    const auto costs = rw::costs_of(n);
    CHECK((measure == rw::measurement::cost_measure::bytes ? costs.bytes()
                                                           : costs.bit_operations()) ==
          doctest::Approx(fixed + found.cost).epsilon(1e-12).scale(0));
    CHECK(n.layers().front().widths == both(32));
  }
  const auto ends = rw::measurement::bit_questions(n, rw::dorefa{}, {}, {.both_ends = true});
  CHECK(ends.size() == 10);
  CHECK(ends.front().options.front().widths == rw::layer_bits{bit_width{8}, bit_width{32}});
  CHECK_THROWS_AS(rw::measurement::bit_questions(n, rw::dorefa{}, {}, {.widths = {}}),
                  std::invalid_argument);
  CHECK_THROWS_AS(rw::measurement::bit_questions(n, rw::dorefa{}, {traces[0]}),
                  std::invalid_argument);
}

TEST_CASE("distances of weights")
{
  const rw::layer_id place{"a", rw::layer_kind::convolution, 1, 3};
  const auto w = torch::tensor({.5, -1., .2, 0., -.3}, torch::kFloat64);
  const auto q = torch::tensor({1., -3., 1., 1., -1.}, torch::kFloat64) / 3;
  CHECK(rw::measurement::weight_error(rw::dorefa{}, place, w, bit_width{2},
                                      rw::measurement::weight_distance::plain) ==
        doctest::Approx((w - q).square().sum().item<double>()).epsilon(1e-12).scale(0));
  const double dot = (w * q).sum().item<double>(), size = q.square().sum().item<double>();
  CHECK(
      rw::measurement::weight_error(rw::dorefa{}, place, w, bit_width{2}) ==
      doctest::Approx(w.square().sum().item<double>() - dot * dot / size).epsilon(1e-12).scale(0));
  CHECK(rw::measurement::weight_error(rw::dorefa{}, place, w, bit_width{32}) == 0);
  torch::manual_seed(1);
  const auto more = torch::randn({4, 3, 3, 3});
  CHECK(rw::measurement::weight_error(rw::lq_nets{}, place, more, bit_width{3}) <
        rw::measurement::weight_error(rw::lq_nets{}, place, more, bit_width{2}));
  CHECK_THROWS_AS(
      static_cast<void>(rw::measurement::weight_error(rw::dorefa{}, place, w / 0., bit_width{2})),
      std::runtime_error);
}

TEST_CASE("bits of layers are a search space, both ways")
{
  const rw::search::bit_space bits{{"a", "b"}, {2, 4, 8}};
  const auto space = bits.space();
  CHECK(rw::search::grid{}.configurations(space) == 9);
  for (std::int64_t i = 0; i < 9; ++i) {
    const auto configuration = rw::search::grid{}.at(space, i);
    const auto scheme = bits.scheme(configuration, rw::inner_bits<3>);
    CHECK(space.contains(bits.configuration_of(scheme)));
    CHECK(bits.configuration_of(scheme) == configuration);
    CHECK(scheme({"c", rw::layer_kind::convolution, 1, 3}) == both(3));
    CHECK(std::to_string(scheme({"b"}).weights.value()) == configuration.choice("bits.b"));
  }
  const rw::search::bit_space numbers{{"a"}, {2, 3, 4}};
  const auto drawn = numbers.space().sample(rw::seed{1});
  CHECK(numbers.scheme(drawn)({"a"}).weights.value() == drawn.integer("bits.a"));
  CHECK(numbers.configuration_of(numbers.scheme(drawn)) == drawn);
  auto more = numbers.dimensions();
  more.push_back({"lr", rw::search::real_interval{0, 1}});
  const auto wide = rw::search::search_space{more}.sample(rw::seed{2});
  CHECK(numbers.scheme(wide).layers.size() == 1);

  CHECK_THROWS_AS(rw::search::bit_space({}, {2}), std::invalid_argument);
  CHECK_THROWS_AS(rw::search::bit_space({"a"}, {4, 2}), std::invalid_argument);
  CHECK_THROWS_AS(rw::search::bit_space({"a"}, {0, 2}), std::invalid_argument);
  CHECK_THROWS_AS(rw::search::bit_space({"a"}, {2, 33}), std::invalid_argument);
  CHECK_THROWS_AS(numbers.scheme(rw::search::configuration{}.set("bits.a", std::int64_t{5})),
                  std::invalid_argument);
  CHECK_THROWS_AS(bits.scheme(rw::search::configuration{}.set("bits.a", "3")),
                  std::invalid_argument);
  CHECK_THROWS_AS(bits.configuration_of(rw::per_layer<>{.layers = {{"a", both(4)}}}),
                  std::invalid_argument);
  CHECK_THROWS_AS(numbers.configuration_of(rw::per_layer<>{.layers = {{"a", both(8)}}}),
                  std::invalid_argument);
  const auto inside =
      rw::search::layers_inside(rw::resnet8(rw::sample_shape{.classes = 10}).layers());
  CHECK(inside.size() == 8);
  CHECK(inside.front() == "stage1.0.convolution1");
}

TEST_CASE("a search tries the bits of layers")
{
  const auto data = rw::glyphs({.classes = 3, .train = 16, .test = 8, .seed = rw::seed{3}});
  const rw::search::bit_space bits{
      rw::search::layers_inside(rw::resnet8(data.shape, rw::dorefa{}).layers()), {2, 4, 8}};
  const auto found = rw::run_search(
      rw::search::random_search{}, bits.space(),
      [&](const rw::search::configuration& p, std::int64_t, rw::seed own) {
        return rw::supervised{
            .student = rw::resnet8(data.shape, rw::dorefa{}, bits.scheme(p), {.seed = own})};
      },
      [](const auto& step) { return -step.evaluated().bytes(); }, data.train,
      {.trials = 3, .epochs = 1, .batch_size = 8});
  for (const auto& trial : found.trial_states) {
    const auto wanted = bits.scheme(*trial.at);
    for (const auto& layer : found.steps[static_cast<std::size_t>(trial.trial)]->student.layers())
      CHECK(layer.widths == rw::widths_under(wanted, layer.place));
  }
}

TEST_CASE("costs as a table and as JSON lines")
{
  const auto costs = rw::costs_of(rw::resnet20(rw::sample_shape{.classes = 100}, rw::dorefa{}));
  const auto text = rw::report::cost_table(costs).text();
  CHECK(std::regex_search(text, std::regex{"stage1\\.0\\.convolution1 +2 +2 +2304 +576"}));
  CHECK(text.find(std::to_string(static_cast<std::int64_t>(costs.bytes()))) != std::string::npos);

  std::istringstream lines{rw::report::cost_json_lines(costs)};
  std::string line;
  std::size_t count = 0;
  double operations = 0, bytes = 0;
  nlohmann::json sum;
  while (std::getline(lines, line)) {
    const auto object = nlohmann::json::parse(line);
    if (object.contains("sum")) {
      sum = object;
      continue;
    }
    ++count;
    operations += object["bit_operations"].get<double>();
    bytes += object["bytes"].get<double>();
  }
  CHECK(count == costs.layers.size());
  CHECK(sum["bit_operations"] == operations);
  CHECK(sum["bytes"] == bytes + 4.0 * static_cast<double>(costs.other_parameters));
  CHECK(sum["multiply_adds"] == costs.multiply_adds());
  CHECK(sum["bit_operations_are"] == "multiply-adds x bits of weights x bits of activations");
}

namespace {

/// The first layer of `parabola` alone, or listed twice with one shared weight tensor.
template<bool twice>
struct first_layer : parabola {
  [[nodiscard]] std::vector<rw::layer_report> layers() const
  {
    if (twice) return {{{"x"}, {}, 3}, {{"again"}, {}, 3}};
    return {{{"x"}, {}, 3}};
  }
  [[nodiscard]] std::vector<rw::named_tensor> parameters() const
  {
    if (twice) return {{"x.weight", x}, {"again.weight", x}};
    return {{"x.weight", x}};
  }
};

}  // namespace

TEST_CASE("layers that share their weights have one trace, that of the tensor")
{
  const rw::measurement::trace_options options{.draws = 5, .tolerance = 0, .seed = rw::seed{1}};
  const auto alone =
      rw::measurement::hessian_traces(first_layer<false>{}, rw::batch{}, first_logit{}, options);
  const auto shared =
      rw::measurement::hessian_traces(first_layer<true>{}, rw::batch{}, first_logit{}, options);
  REQUIRE(shared.size() == 2);
  CHECK(shared[0].trace == alone[0].trace);
  CHECK(shared[1].trace == alone[0].trace);
  CHECK(alone[0].trace == doctest::Approx(6).epsilon(.2).scale(0));
}

TEST_CASE("traces want labels that are classes")
{
  const rw::sample_shape small{.channels = 1, .height = 8, .width = 8, .classes = 3};
  auto examples = images(small, 6);
  examples.labels[4] = 3;
  CHECK_THROWS_WITH_AS((void)rw::measurement::hessian_traces(rw::resnet8(small), examples),
                       "rolewise: hessian_traces: want labels in 0 .. 2, got 3 for example 4 of "
                       "the batch",
                       std::invalid_argument);
}
