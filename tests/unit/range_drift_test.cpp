// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/callback.hpp"
#include "support/doctest.hpp"

#include <rolewise/data/glyphs.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/report/drift_chart.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/train/checkpoints.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/range_drift.hpp>
#include <rolewise/train/range_lines.hpp>
#include <rolewise/train/supervised.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

namespace rw = rolewise;

/// Activations are clipped at a learned end; for weights, the largest magnitude so far is
/// observed.
struct moving_ends {
  static constexpr std::string_view name = "moving-ends";

  struct weights {
    torch::Tensor largest = torch::zeros({});

    void observe(const torch::Tensor& w, rw::bit_width)
    {
      largest = at::maximum(largest, w.detach().abs().amax());
    }
    [[nodiscard]] rw::quantized operator()(const torch::Tensor& w, rw::bit_width) const
    {
      return {.levels = w};
    }
    template<typename Archive>
    void visit_state(Archive& archive)
    {
      archive.buffer("largest", largest);
    }
  };

  struct activations {
    torch::Tensor end = torch::full({}, 0.5).set_requires_grad(true);

    [[nodiscard]] rw::quantized operator()(const torch::Tensor& x, rw::bit_width bits) const
    {
      return {.levels = bits.is_full() ? x.relu() : at::minimum(x.relu(), end)};
    }
    template<typename Archive>
    void visit_state(Archive& archive)
    {
      archive.range("end", end);
    }
  };

  [[nodiscard]] weights start_weights(const rw::layer_id&) const { return {}; }
  [[nodiscard]] activations start_activations(const rw::layer_id&) const { return {}; }
};

/// Two learned ranges, one of them for each of three channels, and two buffers: a running mean
/// and an observed range.
struct made_up_student {
  torch::Tensor step = torch::tensor({1.0, 2.0, 3.0}), offset = torch::zeros({}), mean, highest;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.range("layer.quantizer.step", step);
    archive.range("layer.quantizer.offset", offset);
    archive.buffer("norm.running_mean", mean);
    archive.buffer("layer.input.quantizer.highest", highest);
  }
};

rw::glyph_options few_glyphs()
{
  return {.classes = 4, .train = 100, .test = 20, .seed = rw::seed{3}};
}

TEST_CASE("drift keeps what ranges were after the first step and after each epoch")
{
  made_up_student student;
  rw::range_drift drift{student};
  rw::laws::made_up_run run;
  run.begin(drift, 0, false);
  CHECK(drift.history().names == std::vector<std::string>{"layer.quantizer.step",
                                                          "layer.quantizer.offset",
                                                          "layer.input.quantizer.highest"});
  run.epoch(drift, 0);
  student.step = student.step * 1.5;
  student.highest = torch::tensor({4.0F, 6.0F});
  student.mean = torch::zeros({2});
  run.epoch(drift, 1);
  student.step = torch::tensor({0.5, 4.0, 6.0});
  student.highest = student.highest / 2;
  student.offset += 0.25;
  run.epoch(drift, 2);
  run.end(drift);

  const auto& history = drift.history();
  CHECK(history.epochs == std::vector<double>{0.5, 1.0, 2.0, 3.0});  // two steps an epoch
  REQUIRE(history.rows.size() == 4);
  CHECK(history.rows[0][0].mean == 2.0);
  CHECK(history.rows[1][0].mean == 2.0);
  CHECK(history.rows[2][0].mean == 3.0);
  CHECK(history.rows[3][0].least == 0.5);
  CHECK(history.rows[3][0].greatest == 6.0);
  CHECK(std::isnan(history.rows[1][2].mean));  // not observed yet
  CHECK(history.rows[2][2].mean == 5.0);

  const auto drifts = history.drifts();
  REQUIRE(drifts.size() == 3);
  CHECK(drifts[0].name == "layer.quantizer.step");
  CHECK(drifts[0].value == doctest::Approx(10.5 / 3 / 2));
  CHECK(std::isnan(drifts[1].value));  // began at 0
  CHECK(drifts[2].value == 0.5);

  const auto chart = rw::report::drift_chart(history);
  REQUIRE(chart.curves.size() == 2);
  CHECK(chart.curves[0].name == "layer step");
  CHECK(chart.curves[0].x == history.epochs);
  CHECK(chart.curves[0].y == std::vector<double>{1.0, 1.0, 1.5, 1.75});
  CHECK(chart.curves[0].low == std::vector<double>{0.5, 0.5, 0.75, 0.25});
  CHECK(chart.curves[0].high == std::vector<double>{1.5, 1.5, 2.25, 3.0});
  CHECK(chart.curves[1].name == "layer.input highest");
  CHECK(std::isnan(chart.curves[1].y[1]));
  CHECK(chart.curves[1].y[3] == 0.5);
  CHECK(rw::report::drift_chart(history, ".input.").curves.size() == 1);
  CHECK(rw::report::svg_text(chart).find("layer.input highest") != std::string::npos);
  CHECK_THROWS_WITH_AS(
      (void)rw::report::drift_chart(history, "offset"),
      "rolewise: drift_chart: of 3 ranges at 4 epochs none with 'offset' in its name begins at "
      "another value than 0",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)rw::report::drift_chart({}),
                       doctest::Contains("of 0 ranges at 0 epochs"), std::invalid_argument);
}

static_assert(rw::Callback<rw::range_drift<made_up_student>>);

TEST_CASE("range_drift keeps the laws of Callback")
{
  made_up_student students[2];
  rw::laws::callback_holds_for([&](int place) { return rw::range_drift{students[place]}; });
}

TEST_CASE("drift refuses students without ranges, and runs of other ranges")
{
  const auto data = rw::glyphs(few_glyphs());
  auto plain = rw::resnet8(data.shape);
  rw::laws::made_up_run run;
  rw::range_drift nothing{plain};
  CHECK_THROWS_WITH_AS(run.begin(nothing, 0, false),
                       "rolewise: range_drift: the student has no ranges, neither learned nor "
                       "observed",
                       std::invalid_argument);

  made_up_student student;
  rw::range_drift drift{student};
  run.begin(drift, 0, false);
  run.epoch(drift, 0);
  auto other = rw::resnet8(data.shape, moving_ends{}, rw::inner_bits<2>);
  rw::range_drift resumed{other};
  rw::restore(resumed, rw::snapshot_of(drift));
  CHECK_THROWS_WITH_AS(run.begin(resumed, 1, true),
                       doctest::Contains("has 3 ranges from 'layer.quantizer.step' on, the student "
                                         "has"),
                       std::invalid_argument);
}

TEST_CASE("the drift of a run is written as a picture")
{
  const auto data = rw::glyphs(few_glyphs());
  const auto path = (std::filesystem::temp_directory_path() / "rolewise_drift.svg").string();
  rw::supervised pretraining{.student = rw::resnet8(data.shape, moving_ends{}, rw::inner_bits<2>)};
  // [drift]
  rw::range_drift drift{pretraining.student};
  rw::fit(pretraining, data.train, {.epochs = 2}, drift);
  rw::report::write_svg(path, rw::report::drift_chart(drift.history(), ".input."));
  // [/drift]
  CHECK(rw::support::text_of_file(path).find("stage3.0.input end") != std::string::npos);
  CHECK(rw::support::text_of_file(path).find("stage3.0.inner end") == std::string::npos);
  std::filesystem::remove(path);
}

TEST_CASE("ranges lie among the lines of a run")
{
  const auto data = rw::glyphs(few_glyphs());
  const auto path = (std::filesystem::temp_directory_path() / "rolewise_ranges.jsonl").string();
  std::filesystem::remove(path);
  rw::supervised pretraining{.student = rw::resnet8(data.shape, moving_ends{}, rw::inner_bits<2>)};
  // [lines]
  rw::range_lines log{path, pretraining.student};
  rw::fit(pretraining, data.train, {.epochs = 2, .batch_size = 50}, log);
  // [/lines]
  std::istringstream text{rw::support::text_of_file(path)};
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  REQUIRE(lines.size() == 5);
  std::string kinds;
  for (const auto& line : lines) {
    CHECK(line.contains("epoch") != line.contains("ranges"));
    kinds += line.contains("epoch") ? 'e' : 'r';
  }
  CHECK(kinds == "rerer");
  CHECK(lines[2]["after_epochs"] == 1.0);
  const auto& history = log.history();
  const auto& last = lines[4]["ranges"];
  CHECK(lines[4]["after_epochs"] == history.epochs.back());
  CHECK(last.size() == history.names.size());
  for (std::size_t i = 0; i < history.names.size(); ++i) {
    const auto& range = last[history.names[i]];
    CHECK(range["mean"] == history.rows.back()[i].mean);
    CHECK(range["least"] == history.rows.back()[i].least);
    CHECK(range["greatest"] == history.rows.back()[i].greatest);
  }
  CHECK(last["stage1.0.inner.quantizer.end"] != lines[0]["ranges"]["stage1.0.inner.quantizer.end"]);
  std::filesystem::remove(path);

  made_up_student student;
  rw::range_drift drift{student};
  rw::laws::made_up_run run;
  run.begin(drift, 0, false);
  run.epoch(drift, 0);
  const auto parsed =
      nlohmann::json::parse(rw::range_lines<made_up_student>::line_of(drift.history()));
  CHECK(parsed["ranges"]["layer.quantizer.step"]["greatest"] == 3.0);
  CHECK(parsed["ranges"]["layer.input.quantizer.highest"]["mean"].is_null());
}

TEST_CASE("range_lines keeps the laws of Callback")
{
  static_assert(rw::Callback<rw::range_lines<made_up_student>>);
  const auto path = [](int place) {
    return (std::filesystem::temp_directory_path() / ("rolewise_lines" + std::to_string(place)))
        .string();
  };
  for (int place = 0; place < 2; ++place) std::filesystem::remove(path(place));
  made_up_student students[2];
  rw::laws::callback_holds_for(
      [&](int place) { return rw::range_lines{path(place), students[place]}; });
  CHECK(rw::support::text_of_file(path(0)) == rw::support::text_of_file(path(1)));
  CHECK(rw::support::text_of_file(path(0)).find("\"after_epochs\":6") != std::string::npos);
  for (int place = 0; place < 2; ++place) std::filesystem::remove(path(place));
}

TEST_CASE("the drift of a run that is resumed is that of one that was not")
{
  const auto data = rw::glyphs(few_glyphs());
  const auto start = rw::resnet8(data.shape, moving_ends{}, rw::inner_bits<2>);
  const rw::fit_options three{.epochs = 3, .batch_size = 50, .seed = rw::seed{4}};
  rw::supervised whole{.student = start};
  rw::range_drift of_whole{whole.student};
  rw::fit(whole, data.train, three, of_whole);
  const auto& history = of_whole.history();
  CHECK(history.names.size() == 10 + 9);  // weights of all layers, activations into all but one
  CHECK(history.epochs == std::vector<double>{0.5, 1.0, 2.0, 3.0});
  std::size_t moved = 0;
  for (const auto& [name, value] : history.drifts())
    if (value != 1.0) ++moved;
  CHECK(moved > 10);

  const auto folder = std::filesystem::temp_directory_path() / "rolewise_range_drift_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  auto until = three;
  until.until = 1;
  {
    rw::supervised killed{.student = start};
    rw::range_drift drift{killed.student};
    rw::fit(killed, data.train, until, drift, rw::checkpoints{.folder = folder.string()});
    CHECK(drift.history().rows.size() == 2);
  }
  rw::supervised resumed{.student = start};
  rw::range_drift drift{resumed.student};
  auto rest = three;
  rest.resume = true;
  rw::fit(resumed, data.train, rest, drift, rw::checkpoints{.folder = folder.string()});
  std::filesystem::remove_all(folder);
  CHECK(drift.history().epochs == history.epochs);
  CHECK(drift.history().names == history.names);
  REQUIRE(drift.history().rows.size() == history.rows.size());
  for (std::size_t r = 0; r < history.rows.size(); ++r)
    for (std::size_t i = 0; i < history.names.size(); ++i)
      CHECK(drift.history().rows[r][i].mean == history.rows[r][i].mean);
  CHECK(rw::report::svg_text(rw::report::drift_chart(drift.history())) ==
        rw::report::svg_text(rw::report::drift_chart(history)));
}

}  // namespace
