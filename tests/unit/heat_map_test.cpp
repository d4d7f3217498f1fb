// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/svg_elements.hpp"

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/operations.hpp>
#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/policy/policy_log.hpp>
#include <rolewise/policy/searched_schedule.hpp>
#include <rolewise/report/contact_sheet.hpp>
#include <rolewise/report/detail/heat_colors.hpp>
#include <rolewise/report/heat_map.hpp>
#include <rolewise/report/operation_sheet.hpp>
#include <rolewise/report/png.hpp>
#include <rolewise/report/policy_pictures.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// The root of the repository; the working directory if CMake does not define it.
#ifndef ROLEWISE_SOURCE_FOLDER
#define ROLEWISE_SOURCE_FOLDER "."
#endif

namespace rw = rolewise;
using rw::operation;
using rw::report::detail::code_of;
using rw::report::detail::rgb;
using rw::testing::elements_of;
using rw::testing::pixels_of;
using rw::testing::text_element;
using rw::testing::texts_in;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
const std::string schedules = ROLEWISE_SOURCE_FOLDER "/examples/schedules/";

/// Two rows of three numbers, no two neighbors alike, one cell empty.
rw::report::heat_map small_map()
{
  return {.title = "A & <b>",
          .x_label = "step",
          .row_labels = {"upper", "lower"},
          .rows = {{-1.0, 0.0, 1.0}, {3.0, std::nullopt, 2.0}},
          .least = -1.0,
          .greatest = 3.0,
          .value_label = "meters",
          .empty_label = "unknown",
          .first_column = 5};
}

struct svg_rect {
  double left = 0, top = 0, width = 0, height = 0;
  std::string fill;
};

/// The boxes of one group.
std::vector<svg_rect> rects_in(const std::string& svg, const std::string& group)
{
  const auto begin = svg.find("<g class=\"" + group + "\">"), end = svg.find("</g>", begin);
  REQUIRE(begin != std::string::npos);
  REQUIRE(end != std::string::npos);
  std::vector<svg_rect> found;
  for (const auto& rect : elements_of(svg.substr(begin, end - begin), "rect"))
    found.push_back({rect.number("x"), rect.number("y"), rect.number("width"),
                     rect.number("height"), rect.word("fill")});
  return found;
}

/// Whether the XML is well-formed: tags are closed in order, attributes quoted, other `<` and `&`
/// escaped.
bool is_well_formed(std::string_view text)
{
  std::vector<std::string_view> open;
  std::size_t elements = 0;
  while (!text.empty()) {
    const auto tag = text.find('<');
    const auto words = text.substr(0, tag);
    for (auto at = words.find('&'); at != words.npos; at = words.find('&', at + 1)) {
      const auto rest = words.substr(at);
      if (!rest.starts_with("&amp;") && !rest.starts_with("&lt;") && !rest.starts_with("&gt;") &&
          !rest.starts_with("&quot;"))
        return false;
    }
    if (words.find('>') != words.npos) return false;
    if (tag == text.npos) break;
    const auto close = text.find('>', tag);
    if (close == text.npos) return false;
    auto inside = text.substr(tag + 1, close - tag - 1);
    text.remove_prefix(close + 1);
    if (inside.starts_with("/")) {
      if (open.empty() || open.back() != inside.substr(1)) return false;
      open.pop_back();
      continue;
    }
    if (open.empty() && ++elements > 1) return false;  // one root
    const bool is_alone = inside.ends_with("/");
    if (is_alone) inside.remove_suffix(1);
    if (std::count(inside.begin(), inside.end(), '"') % 2 != 0) return false;
    if (inside.find('<') != inside.npos) return false;
    if (!is_alone) open.push_back(inside.substr(0, inside.find(' ')));
  }
  return open.empty() && elements == 1;
}

/// CIE L* of an sRGB color, 0 .. 100.
double lightness(const rgb& color)
{
  const auto linear = [](std::uint8_t part) {
    const double x = part / 255.0;
    return x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4);
  };
  const double y =
      0.2126 * linear(color[0]) + 0.7152 * linear(color[1]) + 0.0722 * linear(color[2]);
  return 116.0 * std::cbrt(y) - 16.0;
}

/// A policy with these levels at these indices and zeros elsewhere.
rw::augmentation_policy policy_with(const std::map<std::size_t, std::int64_t>& levels)
{
  std::vector<std::int64_t> all(60);
  for (const auto& [place, level] : levels) all[place] = level;
  return rw::augmentation_policy{all};
}

std::size_t row_of(operation what) { return static_cast<std::size_t>(what); }

}  // namespace

TEST_CASE("colors darken by equal steps from the least to the greatest number")
{
  CHECK((rw::report::detail::heat_color(0.0) == rgb{247, 236, 178}));
  CHECK((rw::report::detail::heat_color(0.5) == rgb{5, 151, 153}));
  CHECK((rw::report::detail::heat_color(1.0) == rgb{0, 47, 102}));
  CHECK((rw::report::detail::heat_color(1.0 / 16) ==
         rgb{214, 229, 162}));  // half-way to 181, 221, 146
  double before = 100.0;
  for (int i = 0; i <= 200; ++i) {
    const auto color = rw::report::detail::heat_color(i / 200.0);
    const double current = lightness(color);
    CHECK(current < before);
    CHECK(std::abs(current - (93.0 - 73.0 * i / 200.0)) < 2.5);
    before = current;
  }
  CHECK(code_of({247, 8, 255}) == "#f708ff");
  CHECK(code_of({247, 247, 247}) == rw::report::detail::empty_cell_color);
  CHECK(lightness({247, 247, 247}) > lightness(rw::report::detail::heat_color(0.0)));
}

TEST_CASE("a heat map has a box per cell, its labels, its ticks and its range")
{
  const auto map = small_map();
  const auto svg = rw::report::svg_text(map);
  CHECK(is_well_formed(svg));
  CHECK(svg == rw::report::svg_text(map));
  const auto texts = texts_in(svg);
  for (const char* words : {"A &amp; &lt;b&gt;", "step", "upper", "lower", "meters", "unknown", "5",
                            "6", "7", "-1", "0", "1", "2", "3"})
    CHECK_MESSAGE(std::count(texts.begin(), texts.end(), words) == 1, words);

  const auto boxes = rects_in(svg, "cells");
  REQUIRE(boxes.size() == 7);  // six cells, and the line through the empty one
  const std::vector<std::string> fills{code_of(rw::report::detail::heat_color(0.0)),
                                       code_of(rw::report::detail::heat_color(0.25)),
                                       code_of(rw::report::detail::heat_color(0.5)),
                                       code_of(rw::report::detail::heat_color(1.0)),
                                       "#f7f7f7",
                                       "#b0b0b0",
                                       code_of(rw::report::detail::heat_color(0.75))};
  // Margin 14, five letters of 0.58 x 12 pixels rounded up, 8 to the cells; above them margin 14,
  // title 28, name of the range 26. Cells are 48 wide, rows 22 high with 2 between cells.
  constexpr double left = 14 + 35 + 8, top = 14 + 28 + 26 + 1;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    CHECK(boxes[i].fill == fills[i]);
    const bool is_line = i == 5;
    const std::size_t row = i / 3, column = i < 3 ? i : i == 6 ? 2 : i == 3 ? 0 : 1;
    CHECK(boxes[i].left == left + 48.0 * static_cast<double>(column));
    CHECK(boxes[i].width == 48);
    CHECK(boxes[i].top == top + 22.0 * static_cast<double>(row > 0) + (is_line ? 9 : 0));
    CHECK(boxes[i].height == (is_line ? 2 : 20));
  }
  // Labels: beside the middle of their row, below the middle of their column.
  CHECK(text_element(svg, "lower").number("x") == left - 8);
  CHECK(text_element(svg, "lower").number("y") == top - 1 + 33 + 4);
  CHECK(text_element(svg, "lower").word("text-anchor") == "end");
  CHECK(text_element(svg, "6").number("x") == left + 72);
  CHECK(text_element(svg, "6").word("text-anchor") == "middle");
  CHECK(svg.find("shape-rendering=\"crispEdges\"") != svg.npos);

  // The color bar: 64 steps that touch, the greatest number on top.
  const auto colors = rects_in(svg, "colors");
  REQUIRE(colors.size() == 64);
  CHECK(colors.front().fill == code_of(rw::report::detail::heat_color(1.0)));
  CHECK(colors.back().fill == code_of(rw::report::detail::heat_color(0.0)));
  CHECK(colors.front().top == top - 1);
  CHECK(colors.back().top + colors.back().height == top - 1 + 110);
  for (std::size_t i = 1; i < colors.size(); ++i)
    CHECK(colors[i].top == colors[i - 1].top + colors[i - 1].height);
  CHECK(text_element(svg, "3").number("y") == top - 1 + 4);
  CHECK(text_element(svg, "-1").number("y") == top - 1 + 109 + 4);
}

TEST_CASE("neighbors that are alike share a box, and what is not empty has no word for it")
{
  auto map = small_map();
  map.rows = {{1.0, 1.0, 1.0, 0.0}, {0.0, 1.0, 1.0, 0.0}};
  const auto svg = rw::report::svg_text(map);
  const auto boxes = rects_in(svg, "cells");
  REQUIRE(boxes.size() == 2 + 3);
  CHECK(boxes[0].width == 3 * boxes[1].width);
  CHECK(boxes[3].width == 2 * boxes[1].width);
  CHECK(boxes[3].left == boxes[0].left + boxes[1].width);
  const auto texts = texts_in(svg);
  CHECK(std::count(texts.begin(), texts.end(), "unknown") == 0);
}

TEST_CASE("a heat map of any size has room for its words, and its numbers do not touch")
{
  for (const std::size_t columns : {1U, 2U, 7U, 200U, 1800U})
    for (const std::int64_t first :
         {std::int64_t{-1'000'000}, std::int64_t{0}, std::int64_t{1'000'000'000'000}}) {
      rw::report::heat_map map{.title = "A title that is a good deal longer than the plot is wide",
                               .x_label = "a name of columns that is longer than the plot",
                               .row_labels = {""},
                               .rows = {std::vector<std::optional<double>>(columns, 0.5)},
                               .first_column = first};
      const auto svg = rw::report::svg_text(map);
      const auto width = elements_of(svg, "svg").at(0).number("width");
      for (const auto& text : elements_of(svg, "text")) {
        const auto side = text.word("text-anchor");
        const auto size = text.word("font-size").empty() ? 12.0 : text.number("font-size");
        const auto own = rw::report::detail::text_width(text.text, size);
        const auto begin = text.number("x") - (side.empty()       ? 0.0
                                               : side == "middle" ? own / 2
                                                                  : own);
        CHECK(begin >= 13.0);
        CHECK(begin + own <= width);
      }
      const auto cell_width =
          std::clamp<std::int64_t>(720 / static_cast<std::int64_t>(columns), 1, 48);
      const auto ticks =
          rw::report::detail::column_ticks(first, static_cast<std::int64_t>(columns), cell_width);
      CHECK(ticks.size() <= 40);
      CHECK((columns < 100 || ticks.size() >= 2));
      for (std::size_t i = 0; i < ticks.size(); ++i) {
        CHECK(ticks[i].label == std::to_string(first + ticks[i].column));
        if (i == 0) continue;
        const auto step = ticks[i].column - ticks[i - 1].column;
        CHECK((first + ticks[i].column) % step == 0);
        CHECK(static_cast<double>(step * cell_width) >
              rw::report::detail::text_width(ticks[i].label));
      }
    }
}

TEST_CASE("a heat map refuses what it cannot draw")
{
  const auto refuses = [](auto&& spoil, const char* why) {
    auto map = small_map();
    spoil(map);
    CHECK_THROWS_WITH_AS((void)rw::report::svg_text(map), why, std::invalid_argument);
  };
  refuses([](auto& m) { m.rows[1][2] = not_a_number; },
          "rolewise: heat_map: cell 2 of row 'lower' is nan, want -1 .. 3, or no number for an "
          "empty cell");
  refuses([](auto& m) { m.rows[0][0] = -1.5; },
          "rolewise: heat_map: cell 0 of row 'upper' is -1.5, want -1 .. 3, or no number for an "
          "empty cell");
  refuses([](auto& m) { m.rows[1].pop_back(); },
          "rolewise: heat_map: row 'lower' has 2 cells, row 'upper' has 3");
  refuses([](auto& m) { m.row_labels.pop_back(); }, "rolewise: heat_map: got 1 labels for 2 rows");
  refuses([](auto& m) { m.rows.clear(); }, "rolewise: heat_map: got 0 rows, want 1 .. 200");
  refuses([](auto& m) { m.rows = {{}, {}}; }, "rolewise: heat_map: got 0 columns, want 1 .. 10000");
  refuses([](auto& m) { m.greatest = -1.0; },
          "rolewise: heat_map: the range is -1 .. -1, want two numbers up to 1e100, the first "
          "below the second");
  refuses([](auto& m) { m.least = not_a_number; },
          "rolewise: heat_map: the range is nan .. 3, want two numbers up to 1e100, the first "
          "below the second");
  refuses([](auto& m) { m.first_column = -2'000'000'000'000; },
          "rolewise: heat_map: the first column is -2000000000000, want -1e12 .. 1e12");
  CHECK_THROWS_AS(rw::report::write_svg("/nowhere/at/all.svg", small_map()), std::runtime_error);
  CHECK_THROWS_WITH_AS(rw::report::write_svg("/nowhere/map.png", small_map()),
                       "rolewise: write_svg: '/nowhere/map.png' is the name of a PNG and the "
                       "picture an SVG; want a name such as '/nowhere/map.svg'",
                       std::invalid_argument);
}

TEST_CASE("both pairs of an operation count")
{
  // Rotate 0.5@4 and 0.2@8, Invert 1.0@3, Cutout 0.0@7.
  const auto policy = policy_with({{0, 5}, {1, 4}, {30, 2}, {31, 8}, {10, 10}, {11, 3}, {27, 7}});
  CHECK(rw::report::probability_of(policy, operation::rotate) == doctest::Approx(1.0 - 0.5 * 0.8));
  CHECK((rw::report::magnitude_of(policy, operation::rotate) == (5.0 * 4 + 2.0 * 8) / 7.0));
  CHECK(rw::report::probability_of(policy, operation::invert) == 1.0);
  CHECK_FALSE(rw::report::magnitude_of(policy, operation::invert));
  CHECK(rw::report::probability_of(policy, operation::cutout) == 0.0);
  CHECK_FALSE(rw::report::magnitude_of(policy, operation::cutout));
  CHECK((rw::report::operations_in(policy) == std::vector{operation::rotate, operation::invert}));
  CHECK_THROWS_WITH_AS((void)rw::report::probability_of(policy, operation::identity),
                       "rolewise: probability_of: 'Identity' is no operation of a policy",
                       std::invalid_argument);
  CHECK_THROWS_AS((void)rw::report::magnitude_of(policy, operation::identity),
                  std::invalid_argument);
}

TEST_CASE("a schedule as heat maps: a row an operation, a column an epoch")
{
  const auto late = policy_with({{0, 5}, {1, 4}, {30, 2}, {31, 8}, {10, 10}, {11, 3}});
  const rw::policy_schedule schedule{{{0, {}}, {3, late}}};
  const auto likely = rw::report::probability_map(schedule, 5),
             strong = rw::report::magnitude_map(schedule, 5);
  REQUIRE(likely.rows.size() == 15);
  CHECK(likely.row_labels[row_of(operation::shear_x)] == "ShearX");
  CHECK((strong.row_labels == likely.row_labels));
  for (std::size_t epoch = 0; epoch < 5; ++epoch) {
    const auto turn = likely.rows[row_of(operation::rotate)].at(epoch);
    const auto turn_by = strong.rows[row_of(operation::rotate)].at(epoch);
    CHECK(turn.has_value() == (epoch >= 3));
    CHECK(turn_by.has_value() == (epoch >= 3));
    if (turn) CHECK(*turn == doctest::Approx(0.6));
    if (turn_by) CHECK(*turn_by == 36.0 / 7.0);
    CHECK(likely.rows[row_of(operation::invert)].at(epoch).has_value() == (epoch >= 3));
    CHECK_FALSE(strong.rows[row_of(operation::invert)].at(epoch).has_value());
    CHECK_FALSE(likely.rows[row_of(operation::cutout)].at(epoch).has_value());
  }
  CHECK((likely.least == 0.0 && likely.greatest == 1.0));
  CHECK((strong.least == 0.0 && strong.greatest == 9.0));
  CHECK_THROWS_WITH_AS((void)rw::report::probability_map(schedule, 0),
                       "rolewise: probability_map: epochs is 0, want 1 .. 10000",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)rw::report::magnitude_map(schedule, 10001),
                       "rolewise: magnitude_map: epochs is 10001, want 1 .. 10000",
                       std::invalid_argument);
}

TEST_CASE("the published schedule of CIFAR-10 as heat maps")
{
  // [pictures]
  const auto log = rw::read_policy_log(schedules + "rcifar10_16_wrn.txt");
  const auto schedule = rw::stretched(rw::search_segments(rw::without_stale_events(log), 200), 200);
  const auto likely = rw::report::probability_map(schedule, 200);
  const auto strong = rw::report::magnitude_map(schedule, 200);
  const auto as_text = rw::report::svg_text(likely);  // or write_svg("probability.svg", likely)
  // [/pictures]
  CHECK(is_well_formed(as_text));
  CHECK(as_text.size() < 100 * 1024);
  for (std::size_t epoch = 0; epoch < 200; ++epoch) {
    const auto& policy = schedule.at(static_cast<std::int64_t>(epoch));
    for (std::size_t i = 0; i < 15; ++i) {
      const auto what = static_cast<operation>(i);
      CHECK(likely.rows[i][epoch].value_or(0.0) == rw::report::probability_of(policy, what));
      CHECK((strong.rows[i][epoch] == rw::report::magnitude_of(policy, what)));
    }
  }
  // The first segment of the schedule applies no operation, the last one almost all.
  const auto nothing_at = [&](std::size_t epoch) {
    return std::count_if(likely.rows.begin(), likely.rows.end(),
                         [&](const auto& row) { return !row[epoch]; });
  };
  CHECK(nothing_at(0) == 15);
  CHECK(nothing_at(199) == 1);
}

TEST_CASE("a sheet of operations shows each one at each level")
{
  torch::manual_seed(0);
  const rw::batch example{.inputs = torch::randint(0, 256, {1, 3, 12, 10}, torch::kByte),
                          .labels = torch::tensor({3}, torch::kLong),
                          .ids = torch::tensor({7}, torch::kLong),
                          .normalization = {.mean = {0.2, 0.4, 0.6}, .std = {}}};
  const auto sheet = rw::report::operation_sheet(
      example, {.operations = {operation::shear_x, operation::cutout}, .scale = 3});
  const auto svg = rw::report::svg_text(sheet);
  CHECK(is_well_formed(svg));
  const auto images = elements_of(svg, "image");
  REQUIRE(images.size() == 2 * 11);
  // Layout of a contact sheet: margin 14, the longest title six letters of 6.96, rounded up, 8 to
  // the images; images of 36 x 30 with gaps of 6.
  constexpr double left = 14 + 42 + 8;
  const auto number = [](double x) { return torch::full({1}, x, torch::kFloat64); };
  for (std::size_t row = 0; row < 2; ++row) {
    const auto what = row == 0 ? operation::shear_x : operation::cutout;
    CHECK(torch::equal(pixels_of(images[row * 11]), example.inputs[0]));
    for (std::size_t column = 0; column < 11; ++column) {
      const auto& image = images[row * 11 + column];
      CHECK(image.number("x") == left + 36.0 * static_cast<double>(column));
      CHECK(image.number("y") == 14 + 42.0 * static_cast<double>(row));
      CHECK(image.number("width") == 30);
      CHECK(image.number("height") == 36);
      if (column == 0) continue;
      const auto level = static_cast<std::int64_t>(column) - 1;
      const auto alone = rw::apply(what, {.pixels = example.inputs, .covered = {}},
                                   {.value = number(rw::policy_parameter(what, level)),
                                    .row = number(6),
                                    .column = number(5)});
      CHECK(torch::equal(pixels_of(image), rw::filled(alone, {51, 102, 153})[0]));
    }
  }
  CHECK((texts_in(svg) == std::vector<std::string>{"ShearX", "Cutout", "level", "as is", "0", "1",
                                                   "2", "3", "4", "5", "6", "7", "8", "9"}));
  const auto all = rw::report::svg_text(rw::report::operation_sheet(example, {.scale = 3}));
  const auto height = [](const std::string& of) {
    return elements_of(of, "svg").at(0).number("height");
  };
  CHECK(height(all) - height(svg) == 13 * 42);
}

TEST_CASE("a sheet of operations refuses other than one image")
{
  rw::batch example{.inputs = torch::zeros({2, 1, 8, 8}, torch::kByte),
                    .labels = {},
                    .ids = torch::arange(2),
                    .normalization = {}};
  CHECK_THROWS_WITH_AS((void)rw::report::operation_sheet(example),
                       "rolewise: operation_sheet: want one image, got 2", std::invalid_argument);
  example.inputs = torch::zeros({1, 1, 8, 8});
  example.ids = torch::arange(1);
  CHECK_THROWS_AS((void)rw::report::operation_sheet(example), std::invalid_argument);
  example.inputs = torch::zeros({1, 1, 8, 8}, torch::kByte);
  CHECK_THROWS_WITH_AS((void)rw::report::operation_sheet(example, {.operations = {}}),
                       "rolewise: operation_sheet: has no operations", std::invalid_argument);
  const auto gray = rw::report::svg_text(rw::report::operation_sheet(example));
  CHECK(pixels_of(elements_of(gray, "image").at(0)).size(0) == 1);
}
