// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

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
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
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
using rw::report::detail::rgb;

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

std::vector<std::string> texts_in(const std::string& svg)
{
  std::vector<std::string> found;
  for (auto at = svg.find("<text"); at != std::string::npos; at = svg.find("<text", at + 1)) {
    const auto begin = svg.find('>', at) + 1;
    found.push_back(svg.substr(begin, svg.find("</text>", begin) - begin));
  }
  return found;
}

struct svg_rect {
  long left = 0, top = 0, width = 0, height = 0;
  std::string fill;
};

/// The boxes of one group.
std::vector<svg_rect> rects_in(const std::string& svg, const std::string& group)
{
  const auto begin = svg.find("<g class=\"" + group + "\">"), end = svg.find("</g>", begin);
  REQUIRE(begin != std::string::npos);
  REQUIRE(end != std::string::npos);
  std::vector<svg_rect> found;
  for (auto at = svg.find("<rect", begin); at < end; at = svg.find("<rect", at + 1)) {
    svg_rect rect;
    std::array<char, 8> fill{};
    REQUIRE(std::sscanf(svg.c_str() + at,
                        "<rect x=\"%ld\" y=\"%ld\" width=\"%ld\" height=\"%ld\" fill=\"%7s\"/>",
                        &rect.left, &rect.top, &rect.width, &rect.height, fill.data()) == 5);
    rect.fill = fill.data();
    found.push_back(rect);
  }
  return found;
}

std::string code_of(const rgb& color)
{
  std::array<char, 8> code{};
  std::snprintf(code.data(), code.size(), "#%02x%02x%02x", unsigned{color[0]}, unsigned{color[1]},
                unsigned{color[2]});
  return code.data();
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

rgb color_at(const torch::Tensor& pixels, std::int64_t y, std::int64_t x)
{
  rgb color{};
  for (std::size_t c = 0; c < color.size(); ++c)
    color[c] = pixels[static_cast<std::int64_t>(c)][y][x].item<std::uint8_t>();
  return color;
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
  CHECK(lightness(rw::report::detail::ground_of_nothing) >
        lightness(rw::report::detail::heat_color(0.0)));
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
  const std::vector<std::string> fills{
      code_of(rw::report::detail::heat_color(0.0)),   code_of(rw::report::detail::heat_color(0.25)),
      code_of(rw::report::detail::heat_color(0.5)),   code_of(rw::report::detail::heat_color(1.0)),
      code_of(rw::report::detail::ground_of_nothing), code_of(rw::report::detail::dash_of_nothing),
      code_of(rw::report::detail::heat_color(0.75))};
  for (std::size_t i = 0; i < boxes.size(); ++i) CHECK(boxes[i].fill == fills[i]);
  CHECK(boxes[1].left == boxes[0].left + boxes[0].width);
  CHECK(boxes[3].left == boxes[0].left);
  CHECK(boxes[3].top > boxes[0].top + boxes[0].height);
  CHECK(boxes[6].left == boxes[2].left);
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

TEST_CASE("the pixels of a heat map are its colors, and its letters are there")
{
  const auto map = small_map();
  const auto pixels = rw::report::pixels_of(map);
  REQUIRE(pixels.dim() == 3);
  CHECK(pixels.size(0) == 3);
  CHECK((pixels.scalar_type() == torch::kByte));
  CHECK(torch::equal(pixels, rw::report::pixels_of(map)));
  CHECK_NOTHROW((void)rw::report::png_bytes(pixels));

  // Margin 14, five letters of 12 pixels less one gap of 2, 8 to the cells; above them margin 14,
  // title 28, name of the range 26. Cells are 48 wide, rows 22 high.
  const std::int64_t left = 14 + 58 + 8, top = 14 + 28 + 26;
  const auto cell = [&](std::int64_t row, std::int64_t column, std::int64_t down = 3) {
    return color_at(pixels, top + 22 * row + down, left + 48 * column + 24);
  };
  CHECK((cell(0, 0) == rw::report::detail::heat_color(0.0)));
  CHECK((cell(0, 1) == rw::report::detail::heat_color(0.25)));
  CHECK((cell(0, 2) == rw::report::detail::heat_color(0.5)));
  CHECK((cell(1, 0) == rw::report::detail::heat_color(1.0)));
  CHECK((cell(1, 1) == rw::report::detail::ground_of_nothing));
  CHECK((cell(1, 1, 11) == rw::report::detail::dash_of_nothing));
  CHECK((cell(1, 2) == rw::report::detail::heat_color(0.75)));
  // Edges of a cell: its first and last pixels, and the white between rows.
  CHECK((color_at(pixels, top + 1, left) == rw::report::detail::heat_color(0.0)));
  CHECK((color_at(pixels, top + 20, left + 47) == rw::report::detail::heat_color(0.0)));
  CHECK((color_at(pixels, top + 20, left + 48) == rw::report::detail::heat_color(0.25)));
  CHECK((color_at(pixels, top + 21, left) == rgb{255, 255, 255}));
  CHECK((color_at(pixels, top + 1, left - 1) == rgb{255, 255, 255}));

  // The row labels have ink; nothing is drawn up to an edge of the image.
  const auto labels = pixels.narrow(1, top, 44).narrow(2, 14, 58);
  CHECK((labels == 40).sum().item<std::int64_t>() > 500);
  for (const auto& edge : {pixels.narrow(1, 0, 3), pixels.narrow(1, pixels.size(1) - 3, 3),
                           pixels.narrow(2, 0, 3), pixels.narrow(2, pixels.size(2) - 3, 3)})
    CHECK((edge == 255).all().item<bool>());
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
      const auto pixels = rw::report::pixels_of(map);
      for (const auto& edge : {pixels.narrow(2, 0, 3), pixels.narrow(2, pixels.size(2) - 3, 3)})
        CHECK((edge == 255).all().item<bool>());
      using rw::report::detail::pixel_pen;
      const auto cell_width =
          std::clamp<std::int64_t>(720 / static_cast<std::int64_t>(columns), 1, 48);
      const auto ticks = rw::report::detail::column_ticks<pixel_pen>(
          first, static_cast<std::int64_t>(columns), cell_width);
      CHECK(ticks.size() <= 40);
      CHECK((columns < 100 || ticks.size() >= 2));
      for (std::size_t i = 0; i < ticks.size(); ++i) {
        CHECK(ticks[i].label == std::to_string(first + ticks[i].column));
        if (i == 0) continue;
        const auto step = ticks[i].column - ticks[i - 1].column;
        CHECK((first + ticks[i].column) % step == 0);
        CHECK(step * cell_width > pixel_pen::width_of(ticks[i].label));
      }
    }
}

TEST_CASE("a heat map refuses what it cannot draw")
{
  const auto refuses = [](auto&& spoil, const char* why) {
    auto map = small_map();
    spoil(map);
    CHECK_THROWS_WITH_AS((void)rw::report::svg_text(map), why, std::invalid_argument);
    CHECK_THROWS_WITH_AS((void)rw::report::pixels_of(map), why, std::invalid_argument);
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
  const auto as_pixels =
      rw::report::pixels_of(strong);  // for write_png("magnitude.png", as_pixels)
  // [/pictures]
  CHECK(is_well_formed(as_text));
  CHECK(as_text.size() < 100 * 1024);
  CHECK(as_pixels.size(0) == 3);
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
  // Layout of a contact sheet: margin 12, the longest title six letters of 12 less 2, margin 12;
  // images of 36 x 30 with gaps of 6.
  const std::int64_t left = 12 + 70 + 12;
  const auto shown = [&](std::int64_t row, std::int64_t column) {
    return sheet.narrow(1, 12 + row * 42, 36)
        .narrow(2, left + column * 36, 30)
        .index({torch::indexing::Slice(), torch::indexing::Slice(1, torch::indexing::None, 3),
                torch::indexing::Slice(1, torch::indexing::None, 3)});
  };
  const auto number = [](double x) { return torch::full({1}, x, torch::kFloat64); };
  for (std::int64_t row = 0; row < 2; ++row) {
    const auto what = row == 0 ? operation::shear_x : operation::cutout;
    CHECK(torch::equal(shown(row, 0), example.inputs[0]));
    for (std::int64_t level = 0; level <= 9; ++level) {
      const auto alone = rw::apply(what, {.pixels = example.inputs, .covered = {}},
                                   {.value = number(rw::policy_parameter(what, level)),
                                    .row = number(6),
                                    .column = number(5)});
      CHECK(torch::equal(shown(row, level + 1), rw::filled(alone, {51, 102, 153})[0]));
    }
  }
  CHECK(sheet.size(2) == left + 11 * 36 - 6 + 12);
  const auto all = rw::report::operation_sheet(example, {.scale = 3});
  CHECK(all.size(1) - sheet.size(1) == 13 * 42);
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
  CHECK(rw::report::operation_sheet(example).size(0) == 1);
}

TEST_CASE("the captions of a contact sheet have a title on their left")
{
  const rw::batch white{.inputs = torch::full({2, 1, 8, 8}, 255, torch::kByte),
                        .labels = torch::zeros({2}, torch::kLong),
                        .ids = torch::arange(2),
                        .normalization = {}};
  const auto ink = [&](const char* title) {
    return (rw::report::contact_sheet({{"", white}},
                                      {.class_names = {" "}, .captions_title = title}) < 255)
        .sum()
        .item<std::int64_t>();
  };
  CHECK(ink("") == 0);
  CHECK(ink("I") == 11 * 4);  // 11 dots of 2 x 2 pixels
}
