// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include <rolewise/core/draws.hpp>
#include <rolewise/data/glyphs.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/per_layer.hpp>
#include <rolewise/report/quantization_pictures.hpp>
#include <rolewise/report/quantization_report.hpp>
#include <rolewise/report/quantization_view.hpp>
#include <rolewise/support/file.hpp>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace rw = rolewise;

torch::Tensor numbers(std::vector<double> values) { return torch::tensor(values, torch::kDouble); }

torch::Tensor integers(std::vector<double> values)
{
  return numbers(std::move(values)).to(torch::kFloat);
}

rw::quantized integer_levels(std::vector<double> codes, torch::Tensor scale,
                             std::optional<rw::level_range> range)
{
  return {.levels = integers(std::move(codes)),
          .scale = std::move(scale),
          .is_integer = true,
          .range = range};
}

std::int64_t sum_of(const std::vector<std::int64_t>& counts)
{
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

bool same(const std::vector<rw::report::level_use>& found,
          const std::vector<rw::report::level_use>& wanted)
{
  return found == wanted;
}

/// Ten values on the levels 0, 0.5, 1, 1.5; two are clipped above and one below.
const auto ten_values = [] { return numbers({0, 0, .1, .4, .6, .9, 1.6, 1.9, 1.8, -.3}); };
const auto ten_levels = [] {
  return integer_levels({0, 0, 0, 1, 1, 2, 3, 3, 3, 0}, torch::full({}, 0.5), {{0, 3}});
};

rw::glyph_options few_glyphs()
{
  return {.classes = 4, .train = 60, .test = 20, .seed = rw::seed{3}};
}

rw::batch first_of(const rw::dataset& data, std::int64_t count)
{
  return {data.inputs.narrow(0, 0, count), data.labels.narrow(0, 0, count),
          data.ids.narrow(0, 0, count), data.normalization};
}

const rw::report::layer_quantization& layer(const rw::report::network_quantization& report,
                                            std::string_view name)
{
  for (const auto& each : report.layers)
    if (each.place.name == name) return each;
  FAIL("no layer " << name);
  return report.layers.front();
}

std::size_t count_of(const std::string& text, std::string_view part)
{
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_CASE("a view counts values in intervals, on levels and beyond them")
{
  const auto x = ten_values();
  const auto view = rw::report::quantization_view_of(x, ten_levels(), rw::bit_width{2});
  CHECK(view.values == 10);
  CHECK(view.zeros == 2);
  CHECK(view.low == doctest::Approx(-0.3));
  CHECK(view.high == doctest::Approx(1.9));
  CHECK(view.bins == std::vector<std::int64_t>{1, 3, 1, 1, 1, 0, 1, 2});
  CHECK(view.below + view.above == 0);
  CHECK(same(view.levels, {{0.0, 4}, {0.5, 2}, {1.0, 1}, {1.5, 3}}));
  CHECK(view.used == 4);
  CHECK(view.possible == 4);
  CHECK(view.clipped_below == 1);  // -0.3 < 0 - 0.25
  CHECK(view.clipped_above == 2);  // 1.8 and 1.9 > 1.5 + 0.25, 1.6 is not
  CHECK(view.clipped() == doctest::Approx(0.3));
  CHECK(view.zero_share() == doctest::Approx(0.2));
  CHECK(view.error == doctest::Approx(0.039 / 0.594));
  CHECK(view.gain == doctest::Approx(9.35 / 8.25));
  // mean (x - g q)^2 = mean x^2 - (mean x q)^2 / mean q^2
  CHECK(view.fitted_error == doctest::Approx((1.084 - 0.935 * 0.935 / 0.825) / 0.594));
  CHECK_FALSE(view.is_fitted);
  CHECK(view.scales == 1);
  CHECK(view.least_scale == 0.5);
  CHECK_FALSE(view.is_in_steps);
}

TEST_CASE("levels without values are known if the quantizer says where levels lie")
{
  const auto x = numbers({-1, -.3, -.4, 1});
  const auto third = torch::full({}, 1.0 / 3.0, torch::kDouble);
  // Every second integer of a range is a level.
  auto view = rw::report::quantization_view_of(x, integer_levels({-3, -1, -1, 3}, third, {{-3, 3}}),
                                               rw::bit_width{2});
  REQUIRE(view.levels.size() == 4);
  CHECK(view.levels[2].at == doctest::Approx(1.0 / 3.0));
  CHECK(view.levels[2].count == 0);
  CHECK(view.levels[1].count == 2);
  CHECK(view.used == 3);
  CHECK(view.possible == 4);

  view = rw::report::quantization_view_of(x, integer_levels({-3, -1, -1, 3}, third, {}),
                                          rw::bit_width{2});
  CHECK(view.levels.size() == 3);
  CHECK(view.used == 3);
  CHECK(view.possible == 4);

  // Symmetric codes without the lowest one, and ternary ones, are fewer than 2^b.
  view = rw::report::quantization_view_of(
      x, integer_levels({-1, 0, 0, 1}, torch::ones({}), {{-1, 1}}), rw::bit_width{2});
  CHECK(view.possible == 3);
  CHECK(view.levels.size() == 3);

  // Sums of powers of two: not every integer of the range, nor every k-th.
  view = rw::report::quantization_view_of(
      x, integer_levels({-10, -2, -4, 10}, torch::full({}, 0.1), {{-10, 10}}), rw::bit_width{4});
  CHECK(view.possible == 16);
  CHECK(view.levels.size() == 4);
  CHECK(view.used == 4);
}

TEST_CASE("positions are in steps where channels have scales of their own")
{
  const auto x = numbers({.1, -.2, .3, 4, -8, -13}).view({2, 3, 1, 1});
  const auto scale = numbers({.1, 4}).view({2, 1, 1, 1});
  rw::quantized q{.levels = integers({1, -2, 3, 1, -2, -3}).view({2, 3, 1, 1}),
                  .scale = scale,
                  .is_integer = true,
                  .range = rw::level_range{-3, 3}};
  const auto view = rw::report::quantization_view_of(x, q, rw::bit_width{3});
  CHECK(view.is_in_steps);
  CHECK(view.scales == 2);
  CHECK(view.least_scale == 0.1);
  CHECK(view.greatest_scale == 4.0);
  CHECK(view.possible == 7);
  CHECK(same(view.levels, {{-3, 1}, {-2, 2}, {-1, 0}, {0, 0}, {1, 2}, {2, 0}, {3, 1}}));
  CHECK(view.used == 4);
  CHECK(view.low == doctest::Approx(-3.25));
  CHECK(view.clipped() == 0.0);
  // -13 -> -12 is the only error; the variance is that of the values, not of steps
  CHECK(view.error == doctest::Approx((1.0 / 6) / x.var(false).item<double>()));
}

TEST_CASE("zero points, offsets and byte levels are read as values() reads them")
{
  const auto x = torch::tensor({-0.5F, 0.0F, 0.5F, 1.0F});
  const rw::quantized q{.levels = torch::tensor({7, 8, 9, 10}, torch::kByte),
                        .scale = torch::full({}, 0.5),
                        .zero_point = 8,
                        .is_integer = true,
                        .offset = torch::full({}, 0.25),
                        .range = rw::level_range{0, 15},
                        .gradient_proxy = rw::gradient_proxy_for(x)};
  const auto view = rw::report::quantization_view_of(x, q, rw::bit_width{4});
  REQUIRE(view.levels.size() == 16);
  CHECK(view.levels.front().at == -3.75);
  CHECK((view.levels[7] == rw::report::level_use{-0.25, 1}));
  CHECK(view.levels.back().at == 3.75);
  CHECK(view.used == 4);
  CHECK(view.low == -3.75);
  CHECK(view.high == 3.75);
}

TEST_CASE("a few values far away do not press the histogram together")
{
  const auto x = at::cat({torch::linspace(0, 1, 10'000, torch::kDouble), numbers({1e6})});
  const rw::dorefa::activations unit;
  const auto view =
      rw::report::quantization_view_of(x, unit(x, rw::bit_width{2}), rw::bit_width{2});
  CHECK(view.high == 1.0);  // the highest level; the 11th greatest value is a little lower
  CHECK(view.above == 1);
  CHECK(view.below == 0);
  CHECK(view.bins.size() == 43);  // 2 * 10001^(1/3)
  CHECK(sum_of(view.bins) == 10'000);
  CHECK(view.clipped_above == 1);
}

TEST_CASE("weights whose size is dropped are compared by the factor that fits best")
{
  const auto w = (rw::uniform_draws(rw::seed{5}, 0, torch::zeros({1}, torch::kLong), 4000) - 0.5)
                     .flatten()
                     .mul(0.1);
  const auto q = rw::dorefa::weights{}(w, rw::bit_width{2});
  const auto plain = rw::report::quantization_view_of(w, q, rw::bit_width{2});
  CHECK_FALSE(plain.is_fitted);
  CHECK(plain.levels.back().at == doctest::Approx(1.0));
  CHECK(plain.error > 100.0);
  const auto fitted =
      rw::report::quantization_view_of(w, q, rw::bit_width{2}, rw::report::level_size::fitted);
  CHECK(fitted.is_fitted);
  CHECK(fitted.gain < 0.1);
  CHECK(fitted.levels.back().at == doctest::Approx(fitted.gain));
  CHECK(fitted.fitted_error < 0.2);
  CHECK(fitted.used == 4);
  CHECK(rw::report::quantization_view_of(w, q, rw::bit_width{2}, rw::report::level_size::by_gain)
            .is_fitted);
  // The highest level is not in use: whether 0.08 exceeds it is known only if the range is.
  const auto four = numbers({-.1, -.03, .04, .08});
  const auto third = torch::full({}, 1.0 / 3.0, torch::kDouble);
  for (const auto& range : {std::optional<rw::level_range>{}, {rw::level_range{-3, 3}}}) {
    const auto view =
        rw::report::quantization_view_of(four, integer_levels({-3, -1, 1, 1}, third, range),
                                         rw::bit_width{2}, rw::report::level_size::fitted);
    CHECK(view.gain == doctest::Approx(0.15 / (4.0 / 3.0)));
    CHECK(view.clipped() == 0.0);
  }
  // Levels that keep the size of the values are rescaled only on request.
  const auto x = ten_values();
  auto kept = rw::report::quantization_view_of(x, ten_levels(), rw::bit_width{2},
                                               rw::report::level_size::by_gain);
  CHECK_FALSE(kept.is_fitted);
  CHECK(kept.levels.back().at == 1.5);
  kept = rw::report::quantization_view_of(x, ten_levels(), rw::bit_width{2},
                                          rw::report::level_size::fitted);
  CHECK(kept.is_fitted);
  CHECK(kept.levels.back().at == doctest::Approx(1.5 * 9.35 / 8.25));
  CHECK(kept.clipped_above == 0);  // 1.9 < (1.5 + 0.25) * 1.13
}

TEST_CASE("one bit, values all alike and levels without scale have views too")
{
  const auto same = torch::full({5}, 0.7);
  auto view = rw::report::quantization_view_of(same, rw::dorefa::weights{}(same, rw::bit_width{1}),
                                               rw::bit_width{1});
  CHECK(std::isnan(view.error));
  CHECK(view.used == 1);
  CHECK(view.possible == 2);
  CHECK(view.low < 0.7);
  CHECK(view.high == doctest::Approx(0.7));
  CHECK(sum_of(view.bins) == 5);
  CHECK(view.clipped() == 0.0);

  // Two channels with two levels each and none in common: `used` is at most 2.
  const auto x = numbers({.1, .2, .3, .4}).view({2, 2});
  view = rw::report::quantization_view_of(x, {.levels = x}, rw::bit_width{1});
  CHECK(view.used == 2);
  CHECK(view.levels.size() == 4);
  CHECK(view.scales == 0);

  // More than 256 levels are not listed.
  const auto many = torch::arange(1000, torch::kDouble);
  view = rw::report::quantization_view_of(many, {.levels = many, .is_integer = true},
                                          rw::bit_width{10});
  CHECK(view.used == 1000);
  CHECK(view.possible == 1024);
  CHECK(view.levels.empty());
}

TEST_CASE("a view refuses what it cannot show, with the reason")
{
  const auto x = ten_values();
  CHECK_THROWS_WITH_AS((void)rw::report::quantization_view_of(x, ten_levels(), rw::bit_width{32}),
                       "rolewise: quantization_view: want fewer than 32 bits, got full precision",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)rw::report::quantization_view_of(x, {}, rw::bit_width{2}),
                       doctest::Contains("want levels of the shape of the values, [10], got none"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)rw::report::quantization_view_of(x.view({2, 5}), ten_levels(), rw::bit_width{2}),
      doctest::Contains("of the values, [2, 5], got [10]"), std::invalid_argument);
  const auto none = torch::zeros({0, 3});
  CHECK_THROWS_WITH_AS(
      (void)rw::report::quantization_view_of(none, {.levels = none}, rw::bit_width{2}),
      doctest::Contains("the tensor has no values, shape [0, 3]"), std::invalid_argument);
  auto broken = x.clone();
  broken[4] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(
      (void)rw::report::quantization_view_of(broken, ten_levels(), rw::bit_width{2}),
      doctest::Contains("not all finite numbers before they are quantized"), std::runtime_error);
  CHECK_THROWS_WITH_AS(
      (void)rw::report::quantization_view_of(x, {.levels = broken}, rw::bit_width{2}),
      doctest::Contains("not all finite numbers after they are quantized"), std::runtime_error);
}

TEST_CASE("a watcher sees what enters and what leaves, and copies are not watched")
{
  const rw::planned_layer plan{{.name = "here"}, {rw::bit_width{2}, rw::bit_width{2}}};
  rw::activation<rw::dorefa> watched{rw::dorefa{}, plan};
  std::vector<std::string> seen;
  torch::Tensor before, after;
  watched.watch([&](const rw::layer_id& into, rw::bit_width bits, const torch::Tensor& x,
                    const rw::quantized& q) {
    seen.push_back(into.name + std::to_string(bits.value()));
    before = x;
    after = q.values();
  });
  auto copy = watched;
  const auto x = torch::tensor({-1.0F, 0.2F, 0.4F, 3.0F});
  (void)copy.rectify(x.clone(), rw::phase::evaluation);
  CHECK(seen.empty());
  const auto out = watched.rectify(x.clone(), rw::phase::evaluation);
  CHECK(seen == std::vector<std::string>{"here2"});
  CHECK(torch::equal(before, x.relu()));  // DoReFa applies the ReLU: the input is reported after it
  CHECK(torch::equal(after, out.values()));
  copy = watched;
  (void)copy.rectify(x.clone(), rw::phase::evaluation);
  CHECK(seen.size() == 1);
  watched.watch({});
  (void)watched.rectify(x.clone(), rw::phase::evaluation);
  CHECK(seen.size() == 1);
}

TEST_CASE("a report shows each layer of few bits as evaluation has it")
{
  const auto data = rw::glyphs(few_glyphs());
  const auto examples = first_of(data.train, 24);
  const auto student = rw::resnet8(data.shape, rw::dorefa{}, rw::inner_bits<2, 3>);
  const auto copy = student;
  const auto report = rw::report::quantization_report(student, examples);
  for (std::size_t i = 0; i < copy.parameters().size(); ++i)
    CHECK(torch::equal(copy.parameters()[i].value, student.parameters()[i].value));
  for (std::size_t i = 0; i < copy.buffers().size(); ++i)
    CHECK(torch::equal(copy.buffers()[i].value, student.buffers()[i].value));

  CHECK(report.network == student.name());
  const auto layers = student.layers();
  REQUIRE(report.layers.size() == layers.size() - 2);  // all but the first and last layer
  for (std::size_t i = 0; i < report.layers.size(); ++i) {
    const auto& [place, widths, weights, activations, shares] = report.layers[i];
    CHECK(place.name == layers[i + 1].place.name);
    REQUIRE(weights.has_value());
    REQUIRE(activations.has_value());
    CHECK(weights->values == layers[i + 1].weights);
    CHECK(weights->bits == rw::bit_width{2});
    CHECK(weights->used <= 4);
    CHECK(activations->bits == rw::bit_width{3});
    CHECK(activations->used <= 8);
    CHECK(activations->low >= 0.0);
    CHECK(sum_of(activations->bins) + activations->below + activations->above ==
          activations->values);
    std::int64_t on_levels = 0;
    for (const auto& level : activations->levels) on_levels += level.count;
    CHECK(on_levels == activations->values);
  }

  // The input of the first block is the stem's output, and its weights are a parameter.
  const auto stem = student.predict(examples, {rw::tap::stage<0>}).features[rw::tap::stage<0>];
  const auto& first = layer(report, "stage1.0.convolution1");
  const auto q = rw::dorefa::activations{}(stem, rw::bit_width{3});
  const auto wanted = rw::report::quantization_view_of(stem, q, rw::bit_width{3});
  CHECK(first.activations->bins == wanted.bins);
  CHECK(same(first.activations->levels, wanted.levels));
  CHECK(first.activations->error == wanted.error);
  CHECK(first.activations->clipped_above == wanted.clipped_above);
  for (const auto& p : student.parameters())
    if (p.name == "stage1.0.convolution1.weight") {
      const auto weights = rw::dorefa::weights{}(p.value, rw::bit_width{2});
      const auto view = rw::report::quantization_view_of(p.value, weights, rw::bit_width{2},
                                                         rw::report::level_size::fitted);
      CHECK(first.weights->bins == view.bins);
      CHECK(same(first.weights->levels, view.levels));
    }
  CHECK(layer(report, "stage1.0.convolution2").activations->zero_share() > 0.2);
  CHECK(layer(report, "stage2.0.shortcut").shares_with == "stage2.0.convolution1");
  CHECK(layer(report, "stage2.0.shortcut").activations->bins ==
        layer(report, "stage2.0.convolution1").activations->bins);
  CHECK(layer(report, "stage2.0.convolution2").shares_with.empty());
}

TEST_CASE("a report is written as a picture")
{
  const auto data = rw::glyphs(few_glyphs());
  const auto student = rw::resnet8(data.shape, rw::dorefa{}, rw::inner_bits<2>);
  const auto examples = first_of(data.test, 20);
  const auto path = (std::filesystem::temp_directory_path() / "rolewise_levels.svg").string();
  // [pictures]
  const auto report = rw::report::quantization_report(student, examples);  // examples: a batch
  rw::report::write_svg(path, report);
  const auto numbers = rw::report::quantization_table(report).text();
  // [/pictures]
  CHECK(rw::support::text_of_file(path) ==
        rw::report::svg_text(rw::report::quantization_report(student, examples)));
  CHECK(count_of(numbers, "\n") == 2 + report.layers.size());
  std::filesystem::remove(path);
}

TEST_CASE("sides in full precision are empty, and a shortcut of other width has its own")
{
  const auto data = rw::glyphs(few_glyphs());
  const auto examples = first_of(data.train, 8);
  const rw::bit_width two{2}, four{4}, full{32};
  const auto mixed = rw::per_layer{.layers = {{"stage1.0.convolution1", {two, full}},
                                              {"stage1.0.convolution2", {full, two}},
                                              {"stage2.0.shortcut", {two, four}},
                                              {"classifier", {two, two}}},
                                   .otherwise = rw::inner_bits<2>};
  const auto of =
      rw::report::quantization_report(rw::resnet8(data.shape, rw::dorefa{}, mixed), examples);
  CHECK(layer(of, "stage1.0.convolution1").weights.has_value());
  CHECK_FALSE(layer(of, "stage1.0.convolution1").activations.has_value());
  CHECK_FALSE(layer(of, "stage1.0.convolution2").weights.has_value());
  CHECK(layer(of, "stage1.0.convolution2").activations.has_value());
  CHECK(layer(of, "stage2.0.shortcut").shares_with.empty());
  CHECK(layer(of, "stage2.0.shortcut").activations->bits == four);
  CHECK(layer(of, "classifier").activations->values == 8 * 64);

  const auto wide = rw::report::quantization_report(
      rw::wide_resnet(10, 1, data.shape, rw::dorefa{}, rw::inner_bits<4>), examples);
  CHECK(wide.layers.front().place.name == "stage1.0.convolution1");
  for (const auto& each : wide.layers) {
    CHECK(each.weights.has_value());
    CHECK(each.activations.has_value());
    CHECK(each.shares_with.empty() == (each.place.kind != rw::layer_kind::shortcut));
  }
}

TEST_CASE("a report refuses networks and batches with nothing to see, in words")
{
  const auto data = rw::glyphs(few_glyphs());
  CHECK_THROWS_WITH_AS(
      (void)rw::report::quantization_report(rw::resnet8(data.shape), first_of(data.train, 4)),
      doctest::Contains("has no layer of fewer than 32 bits"), std::invalid_argument);
  auto student = rw::resnet8(data.shape, rw::dorefa{}, rw::inner_bits<2>);
  CHECK_THROWS_WITH_AS((void)rw::report::quantization_report(student, first_of(data.train, 0)),
                       "rolewise: quantization_report: the batch has no examples",
                       std::invalid_argument);
  for (const auto& p : student.parameters())
    if (p.name == "stage2.0.convolution2.weight") {
      const torch::NoGradGuard without_graph;
      p.value[0][0][0][0] = std::numeric_limits<double>::infinity();
    }
  CHECK_THROWS_WITH_AS((void)rw::report::quantization_report(student, first_of(data.train, 4)),
                       "rolewise: dorefa: a weight is infinite; want finite numbers",
                       std::runtime_error);
  CHECK_THROWS_WITH_AS((void)rw::report::svg_text(rw::report::network_quantization{"empty", {}}),
                       "rolewise: quantization_pictures: the report has no layers",
                       std::invalid_argument);
}

TEST_CASE("a report becomes a table and a picture of the same numbers")
{
  rw::report::network_quantization report{"net & <b>", {}};
  const rw::bit_width two{2};
  report.layers.push_back({{.name = "one.convolution1"},
                           {two, two},
                           rw::report::quantization_view_of(ten_values(), ten_levels(), two),
                           rw::report::quantization_view_of(ten_values(), ten_levels(), two)});
  report.layers.push_back(
      {{.name = "one.shortcut", .kind = rw::layer_kind::shortcut},
       {two, two},
       std::nullopt,
       rw::report::quantization_view_of(
           ten_values(),
           integer_levels({0, 0, 0, 1, 1, 1, 3, 3, 3, 0}, torch::full({}, 0.5), {{0, 3}}), two),
       "one.convolution1"});
  CHECK(rw::report::quantization_table(report).markdown() ==
        "| layer            | bits | weight levels | clipped % | error % | activation levels | "
        "clipped % | error % | zero % |\n"
        "| ---------------- | ---: | ------------: | --------: | ------: | ----------------: | "
        "--------: | ------: | -----: |\n"
        "| one.convolution1 |  2/2 |        4 of 4 |     30.00 |    6.57 |            4 of 4 | "
        "    30.00 |    6.57 |   20.0 |\n"
        "| one.shortcut     |  2/2 |             - |         - |       - |            3 of 4 | "
        "    30.00 |    9.09 |   20.0 |\n");

  const auto svg = rw::report::svg_text(report);
  CHECK(svg == rw::report::svg_text(report));
  CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" "));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(svg.find("net &amp; &lt;b&gt;") != std::string::npos);
  CHECK(svg.find("href") == std::string::npos);  // no external resources
  CHECK(count_of(svg, "<g class=\"panel\">") == 3);
  CHECK(count_of(svg, "<path") == 3);
  CHECK(count_of(svg, "2 bits \u00B7 4/4 levels \u00B7 clipped 30.00 % \u00B7 error 6.6 %") == 2);
  CHECK(count_of(svg, "3/4 levels") == 1);
  CHECK(count_of(svg, "zero 20 %") == 2);
  CHECK(count_of(svg, "reads what enters") == 1);
  CHECK(count_of(svg, "M") == 3 * 7);                // bars: seven intervals have values
  CHECK(count_of(svg, "dasharray") == 1 + 1);        // unused: legend and one level
  CHECK(count_of(svg, "<circle") == 1 + 4 + 4 + 3);  // legend, and levels in use
}

}  // namespace
