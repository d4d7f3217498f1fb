// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/svg_elements.hpp"

#include <rolewise/report/comparison_text.hpp>
#include <rolewise/report/contact_sheet.hpp>
#include <rolewise/report/curves.hpp>
#include <rolewise/report/interval_chart.hpp>
#include <rolewise/report/png.hpp>
#include <rolewise/report/run_record.hpp>
#include <rolewise/report/statistics.hpp>
#include <rolewise/report/table.hpp>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

using namespace rolewise;
using testing::elements_of;
using testing::pixels_of;
using testing::read_png;
using testing::text_element;
using testing::texts_in;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// A temporary folder, removed by the destructor.
struct scratch {
  std::string path;
  scratch()
  {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "rolewise-report-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() { std::filesystem::remove_all(path); }
};

std::string content_of(const std::string& path)
{
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write_text(const std::string& path, const std::string& text)
{
  std::ofstream{path, std::ios::binary} << text;
}

std::size_t times_in(const std::string& text, const std::string& part)
{
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

batch samples(std::int64_t count, std::int64_t channels)
{
  torch::manual_seed(0);
  return {.inputs = torch::randint(0, 200, {count, channels, 8, 6}, torch::kByte),
          .labels = torch::arange(count) % 10,
          .ids = torch::arange(count) + 100,
          .normalization = {}};
}

report::run_record full_record()
{
  report::run_record record{.name = "student \"c\"\n\x01 \u00B1",
                            .seed = seed{18446744073709551615ULL},
                            .options = {{"epochs", std::int64_t{3}},
                                        {"rate", 1.0},
                                        {"decay", 1e-300},
                                        {"resume", true},
                                        {"data", std::string{"C:\\data"}}},
                            .results = {{"accuracy", 0.1 + 0.2}, {"worst", -0.0}}};
  record.history.epochs = {{0, {{"loss", 1.0 / 3.0}, {"accuracy", 1.0}}, 0.05, 0.5, 0.7, 2.5},
                           {1, {{"loss", 2e22}, {"accuracy", 5e-324}}, {}, {}, {}, 3.25}};
  record.history.best_accuracy = 0.5;
  record.history.best_epoch = 0;
  record.history.stopped_early = true;
  record.threads = 3;
  return record;
}

}  // namespace

TEST_CASE("a table is written to a stream as text")
{
  rolewise::report::table shown{{"loss", "accuracy, %"}};
  shown.add({"dist", "51.20"});
  std::ostringstream out;
  out << shown;
  CHECK(out.str() == shown.text());
}

TEST_CASE("intervals are drawn to scale, in color where they leave out zero")
{
  // The axis is 0 .. 15 over 300 - 20 - (20 + 6.96) pixels.
  const report::interval_chart chart{.title = "gain",
                                     .x_label = "points",
                                     .rows = {{"a", 10, 5, 15}, {"<", 5, 0, 10}},
                                     .width = 300};
  const auto svg = report::svg_text(chart);
  CHECK(svg == report::svg_text(chart));
  const auto has = [&](const std::string& part) { return svg.find(part) != std::string::npos; };
  const auto at = [](double share) { return report::fixed_text(26.96 + 253.04 * share, 2); };
  CHECK(has("<line x1=\"" + at(5 / 15.0) +
            "\" y1=\"53\" x2=\"280\" y2=\"53\" stroke=\"#0072B2\" stroke-width=\"2\"/>"));
  CHECK(has("<circle cx=\"" + at(10 / 15.0) + "\" cy=\"53\" r=\"4\" fill=\"#0072B2\"/>"));
  CHECK(has("<line x1=\"26.96\" y1=\"75\" x2=\"" + at(10 / 15.0) +
            "\" y2=\"75\" stroke=\"#888888\" stroke-width=\"2\"/>"));
  CHECK(has(">&lt;</text>"));
  CHECK(has(">gain</text>"));
  CHECK(has(">points</text>"));

  CHECK_THROWS_WITH_AS((void)report::svg_text(report::interval_chart{}),
                       "rolewise: interval_chart: has no rows", std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)report::svg_text(report::interval_chart{.rows = {{"a", 1, 2, 3}}}),
                       "rolewise: interval_chart: 'a' wants low <= mean <= high, |x| up to 1e100, "
                       "got 2, 1 and 3",
                       std::invalid_argument);
  CHECK_THROWS_AS(
      (void)report::svg_text(report::interval_chart{.rows = {{"a", not_a_number, 0, 1}}}),
      std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)report::svg_text(report::interval_chart{.rows = {{"a", 1, 0, 2}}, .width = 10}),
      "rolewise: interval_chart: wants at least 300 pixels, got 10", std::invalid_argument);
}

TEST_CASE("a paired difference is put into words by its numbers alone")
{
  CHECK(report::interval_text({1.204, 0.66, 1.74, 20}, 2) == "+1.20 (0.66 .. 1.74)");
  CHECK(report::interval_text({-1.2, -2, 0, 5}, 1) == "-1.2 (-2.0 .. 0.0)");
  CHECK(report::comparison_text("d", "b", {1.204, 0.66, 1.74, 20}, "points", "seeds") ==
        "d is above b by 1.20 points (0.66 .. 1.74, 20 seeds).");
  CHECK(report::comparison_text("own view", "same view", {-0.5, -0.75, -0.25, 3}) ==
        "own view is below same view by 0.50 points (-0.75 .. -0.25, 3 pairs).");
  // A standard deviation of 1.3247 over a mean of 0.1.
  CHECK(report::comparison_text("c", "b", {0.1, -0.52, 0.72, 20}, "points", "seeds") ==
        "c and b are not told apart: +0.10 points (-0.52 .. 0.72, 20 seeds); a difference of this "
        "size would want about 1380 seeds.");
  CHECK(report::comparison_text("c", "b", {-0.01, -0.5, 0.48, 20}) ==
        "c and b are not told apart: -0.01 points (-0.50 .. 0.48, 20 pairs).");
  CHECK(report::comparison_text("c", "b", {0.0, -0.5, 0.5, 20}) ==
        "c and b are not told apart: 0.00 points (-0.50 .. 0.50, 20 pairs).");
}

TEST_CASE("statistics are the mean and the sample standard deviation")
{
  const auto s = report::statistics_of({2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0});
  CHECK(s.mean == 5.0);
  CHECK(s.std == doctest::Approx(std::sqrt(32.0 / 7.0)));
  CHECK(s.least == 2.0);
  CHECK(s.greatest == 9.0);
  CHECK(s.count == 8);
  CHECK((report::statistics_of({3.5}) ==
         report::statistics{.mean = 3.5, .std = 0.0, .least = 3.5, .greatest = 3.5, .count = 1}));
  CHECK(std::isnan(report::statistics_of({1.0, not_a_number}).mean));
  CHECK_THROWS_WITH_AS((void)report::statistics_of({}), "rolewise: statistics: there are no values",
                       std::invalid_argument);
}

TEST_CASE("numbers as text")
{
  CHECK(report::fixed_text(92.125, 1) == "92.1");
  CHECK(report::fixed_text(-1.0, 0) == "-1");
  CHECK(report::fixed_text(-0.001, 2) == "0.00");
  CHECK(report::fixed_text(infinity, 2) == "-");
  CHECK(report::fixed_text(1e308, 0).size() == 309);
  CHECK(report::fixed_text(-1.5e308, 17).size() == 1 + 309 + 1 + 17);
  CHECK(report::spread_text(report::statistics_of({1.0, 2.0, 3.0}), 2) == "2.00 \u00B1 1.00");
  CHECK(report::spread_text(report::statistics_of({1.0}), 2) == "1.00");
  CHECK_THROWS_WITH_AS((void)report::fixed_text(1.0, 18),
                       "rolewise: fixed_text: want 0 to 17 digits, got 18", std::invalid_argument);
}

TEST_CASE("a table aligns numbers to the right and everything by characters, not bytes")
{
  report::table t{{"student", "accuracy", "note"}};
  t.add({"a", "9.1 \u00B1 0.2", "\u00E9t\u00E9"}).add({"teacher", "-", "2 bits?"});
  CHECK(
      t.text() ==
      "student   accuracy  note\n"
      "\u2500\u2500\u2500\u2500\u2500\u2500\u2500  \u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500"
      "\u2500  \u2500\u2500\u2500\u2500\u2500\u2500\u2500\n"
      "a        9.1 \u00B1 0.2  \u00E9t\u00E9\n"
      "teacher          -  2 bits?\n");
  CHECK(t.markdown() ==
        "| student |  accuracy | note    |\n"
        "| ------- | --------: | ------- |\n"
        "| a       | 9.1 \u00B1 0.2 | \u00E9t\u00E9     |\n"
        "| teacher |         - | 2 bits? |\n");
  CHECK(report::table{{"class", "images"}}
            .add({"\u72AC", "12"})
            .add({"e\u0301te\u0301", "3"})
            .add({"a\nb\x1b[2J", "4"})
            .text() ==
        "class    images\n"
        "\u2500\u2500\u2500\u2500\u2500\u2500\u2500  "
        "\u2500\u2500\u2500\u2500\u2500\u2500\n"
        "\u72AC           12\n"
        "e\u0301te\u0301           3\n"
        "a?b?[2J       4\n");
  CHECK(report::table{{"x"}}.add({"a|b\nc"}).markdown() ==
        "| x         |\n| --------- |\n| a\\|b<br>c |\n");
  CHECK(report::table{{"empty"}}.text() == "empty\n\u2500\u2500\u2500\u2500\u2500\n");
  CHECK_THROWS_WITH_AS(t.add({"one"}), "rolewise: table: a row has 1 cells, the table 3 columns",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)report::table{{}}, "rolewise: table: has no columns",
                       std::invalid_argument);
}

TEST_CASE("a table that is wider than the terminal shows each row as a block of its own")
{
  report::table t{{"network", "accuracy, %", "bytes"}};
  t.add({"a: alone", "92.13 \u00B1 0.21", "1234"}).add({"b: \u72AC", "9.5", "-"});
  CHECK(t.text(29) == t.text());
  CHECK(t.text(28) ==
        "network      a: alone\n"
        "accuracy, %  92.13 \u00B1 0.21\n"
        "bytes        1234\n"
        "\n"
        "network      b: \u72AC\n"
        "accuracy, %  9.5\n"
        "bytes        -\n");
  CHECK(t.text(16).starts_with("network      a:\u2026\naccuracy, %  92\u2026\n"));
  CHECK(t.text(1).starts_with("\u2026\n\u2026\n"));
}

TEST_CASE("a PNG file shows what was written, gray or color, whatever the strides")
{
  torch::manual_seed(0);
  for (const std::int64_t channels : {1, 3}) {
    const auto image = torch::randint(0, 256, {channels, 5, 7}, torch::kByte);
    CHECK(torch::equal(read_png(report::png_bytes(image)), image));
    const auto turned = image.transpose(1, 2);
    CHECK(torch::equal(read_png(report::png_bytes(turned)), turned));
  }
  const auto noise = torch::randint(0, 256, {3, 300, 200}, torch::kByte);
  CHECK(torch::equal(read_png(report::png_bytes(noise)), noise));
  const auto pixel = torch::zeros({1, 1, 1}, torch::kByte);
  CHECK(torch::equal(read_png(report::png_bytes(pixel)), pixel));
}

TEST_CASE("png refuses what is no picture and says which file cannot be written")
{
  const auto refuses = [](const torch::Tensor& image, const char* why) {
    CHECK_THROWS_WITH_AS((void)report::png_bytes(image), why, std::invalid_argument);
  };
  refuses({}, "rolewise: png: the image is undefined");
  refuses(torch::zeros({3, 4, 5}), "rolewise: png: want uint8, got Float");
  refuses(torch::zeros({2, 4, 5}, torch::kByte),
          "rolewise: png: want an image [1, H, W] or [3, H, W], H and W from 1 to 65535, got "
          "[2, 4, 5]");
  CHECK_THROWS_AS((void)report::png_bytes(torch::zeros({1, 0, 5}, torch::kByte)),
                  std::invalid_argument);

  const scratch here;
  const auto path = here.path + "/none/picture.png";
  const auto why = "rolewise: " + path + ": cannot be written: No such file or directory";
  CHECK_THROWS_WITH_AS(report::write_png(path, torch::zeros({1, 2, 2}, torch::kByte)), why.c_str(),
                       std::runtime_error);
  report::write_png(here.path + "/picture.png", torch::ones({1, 2, 2}, torch::kByte));
  CHECK(torch::equal(read_png(content_of(here.path + "/picture.png")),
                     torch::ones({1, 2, 2}, torch::kByte)));
}

TEST_CASE("a contact sheet shows every pixel of every view, enlarged")
{
  const auto color = samples(3, 3), gray = samples(3, 1);
  const report::contact_sheet sheet{.rows = {{"sample", color}, {"<teacher>", gray}}, .scale = 3};
  const auto svg = report::svg_text(sheet);
  CHECK(svg == report::svg_text(sheet));
  const auto images = elements_of(svg, "image");
  REQUIRE(images.size() == 6);
  // Layout: margin 14, titles nine letters of 6.96, rounded up, 8 to the images; gap 6.
  constexpr double left = 14 + 63 + 8;
  for (std::size_t r = 0; r < 2; ++r)
    for (std::size_t n = 0; n < 3; ++n) {
      const auto& image = images[r * 3 + n];
      const auto& inputs = r == 0 ? color.inputs : gray.inputs;
      CHECK(torch::equal(pixels_of(image), inputs[static_cast<std::int64_t>(n)]));
      CHECK(image.number("x") == left + static_cast<double>(n) * (18 + 6));
      CHECK(image.number("y") == 14 + static_cast<double>(r) * (24 + 6));
      CHECK(image.number("width") == 18);
      CHECK(image.number("height") == 24);
      CHECK(image.word("image-rendering") == "pixelated");
    }
  CHECK(elements_of(svg, "svg").at(0).number("width") == left + 3 * (18 + 6) - 6 + 14);
  const auto title = text_element(svg, "&lt;teacher&gt;");
  CHECK(title.number("x") == left - 8);
  CHECK(title.number("y") == 14 + 30 + 12 + 4);
  CHECK(title.word("text-anchor") == "end");
  for (std::size_t n = 0; n < 3; ++n) {
    const auto caption = text_element(svg, std::to_string(n));
    CHECK(caption.number("x") == left + static_cast<double>(n) * 24 + 9);
    CHECK(caption.number("y") > 14 + 2 * 30);
    CHECK(caption.word("text-anchor") == "middle");
  }
}

TEST_CASE("a contact sheet writes titles and classes, and goes on below after enough columns")
{
  auto shown = samples(5, 1);
  const auto texts_of = [](const report::contact_sheet& sheet) {
    return texts_in(report::svg_text(sheet));
  };
  using list = std::vector<std::string>;
  CHECK((texts_of({.rows = {{"Hi", shown}}}) == list{"Hi", "0", "1", "2", "3", "4"}));
  auto soft = shown;
  soft.labels = torch::one_hot(shown.labels, 10).to(torch::kFloat32);
  CHECK(report::svg_text(report::contact_sheet{.rows = {{"", soft}}}) ==
        report::svg_text(report::contact_sheet{.rows = {{"", shown}}}));
  auto silent = shown;
  silent.labels = torch::Tensor{};
  CHECK(texts_of({.rows = {{"", silent}}, .captions_title = "class"}).empty());

  report::contact_sheet named{.rows = {{"", shown}},
                              .scale = 4,
                              .class_names = {"a", "b & c", "ab"},
                              .captions_title = "class"};
  CHECK((texts_of(named) == list{"class", "a", "b &amp; c", "ab", "3", "4"}));
  // Columns of 24 + 8 pixels hold six letters of 0.58 x 9.
  named.class_names = {"a name that is long"};
  const auto cut = report::svg_text(named);
  CHECK((texts_in(cut) == list{"class", "a nam\u2026", "1", "2", "3", "4"}));
  CHECK(text_element(cut, "1").number("font-size") == 9);
  named.class_names.clear();
  const auto numbered = report::svg_text(named);
  CHECK(text_element(numbered, "1").number("font-size") == 11);
  CHECK(elements_of(cut, "image").at(4).number("x") - elements_of(cut, "image").at(0).number("x") ==
        4 * 32);

  const auto wrapped = report::svg_text(
      report::contact_sheet{.rows = {{"", shown}, {"", shown}}, .scale = 4, .columns = 2});
  const auto images = elements_of(wrapped, "image");
  REQUIRE(images.size() == 10);
  const std::vector<std::int64_t> order{0, 1, 2, 3, 4, 0, 1, 2, 3, 4};
  const double block = 2 * (32 + 8) + (11 + 3) + 14;
  for (std::size_t i = 0; i < images.size(); ++i) {
    CHECK(torch::equal(pixels_of(images[i]), shown.inputs[order[i]]));
    CHECK(images[i].number("x") == 14.0 + 32.0 * static_cast<double>(order[i] % 2));
    CHECK(images[i].number("y") ==
          14.0 + block * static_cast<double>(order[i] / 2) + (i < 5 ? 0.0 : 40.0));
  }
  CHECK(elements_of(wrapped, "svg").at(0).number("height") == 14 + 3 * block);
  CHECK((texts_in(wrapped) == list{"0", "1", "2", "3", "4"}));
}

TEST_CASE("a contact sheet brings normalized inputs back")
{
  const auto text_of = [](const batch& shown) {
    return report::svg_text(report::contact_sheet{.rows = {{"x", shown}}});
  };
  auto plain = samples(4, 3);
  plain.normalization = {.mean = {0.5, 0.4, 0.3}, .std = {0.2, 0.3, 0.1}};
  const auto as_networks_see = normalized(plain);
  REQUIRE(as_networks_see.inputs.is_floating_point());
  CHECK(text_of(as_networks_see) == text_of(plain));
  auto beyond = as_networks_see;
  beyond.inputs = torch::full_like(beyond.inputs, 1000.0);
  auto white = plain;
  white.inputs = torch::full_like(plain.inputs, 255);
  CHECK(text_of(beyond) == text_of(white));
}

TEST_CASE("a contact sheet refuses rows that do not belong together")
{
  const auto good = samples(3, 3);
  const auto refuses = [&](const batch& other, const char* why) {
    const report::contact_sheet sheet{.rows = {{"sample", good}, {"teacher", other}}};
    CHECK_THROWS_WITH_AS((void)report::svg_text(sheet), why, std::invalid_argument);
  };
  CHECK_THROWS_WITH_AS((void)report::svg_text(report::contact_sheet{}),
                       "rolewise: contact_sheet: has no rows", std::invalid_argument);
  refuses({},
          "rolewise: contact_sheet: row 'teacher' wants inputs [N, C, H, W], got an undefined "
          "tensor");
  refuses(samples(3, 2), "rolewise: contact_sheet: row 'teacher' wants 1 or 3 channels, got 2");
  refuses(samples(4, 3),
          "rolewise: contact_sheet: row 'teacher' has 4 samples, row 'sample' has 3");
  auto others = good;
  others.ids = good.ids + 1;
  refuses(others, "rolewise: contact_sheet: row 'teacher' shows other samples than row 'sample'");
  auto scaled = samples(3, 1);
  scaled.normalization.mean = {0.1, 0.2, 0.3};
  refuses(scaled,
          "rolewise: contact_sheet: row 'teacher' has a normalization of 3 channels, its "
          "inputs have 1");
  CHECK_THROWS_WITH_AS(
      (void)report::svg_text(report::contact_sheet{.rows = {{"sample", good}}, .scale = 0}),
      "rolewise: contact_sheet: want scale and columns of at least 1, got 0 and 16",
      std::invalid_argument);
}

TEST_CASE("a contact sheet is written as an SVG, and under no name of a PNG")
{
  const scratch here;
  const report::contact_sheet sheet{.rows = {{"sample", samples(2, 3)}}};
  report::write_svg(here.path + "/views.svg", sheet);
  CHECK(content_of(here.path + "/views.svg") == report::svg_text(sheet));
  const auto path = here.path + "/views.png";
  const auto why = "rolewise: write_svg: '" + path +
                   "' is the name of a PNG and the picture an SVG; want a name such as '" +
                   here.path + "/views.svg'";
  CHECK_THROWS_WITH_AS(report::write_svg(path, sheet), why.c_str(), std::invalid_argument);
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("bytes as base64: the test vectors of RFC 4648")
{
  using rolewise::report::detail::base64;
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("fooba") == "Zm9vYmE=");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64(std::string_view{"\xff\0\xfb", 3}) == "/wD7");
}

TEST_CASE("ticks are 1, 2 or 5 times a power of ten and reach around the data")
{
  const auto labels = [](double low, double high, bool is_rounded) {
    rolewise::report::detail::extent over;
    over.include(low);
    over.include(high);
    std::vector<std::string> texts;
    const rolewise::report::detail::axis axis{over, is_rounded};
    for (const auto& t : axis.ticks()) texts.push_back(t.label);
    return texts;
  };
  using list = std::vector<std::string>;
  CHECK((labels(0.0, 1.0, true) == list{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"}));
  CHECK((labels(61.0, 98.0, true) == list{"60", "70", "80", "90", "100"}));
  CHECK((labels(1.0, 12.0, false) == list{"2", "4", "6", "8", "10", "12"}));
  CHECK((labels(-0.001, 0.01, true) ==
         list{"-0.002", "0.000", "0.002", "0.004", "0.006", "0.008", "0.010"}));
  CHECK((labels(5.0, 5.0, true) == list{"4.4", "4.6", "4.8", "5.0", "5.2", "5.4", "5.6"}));
  CHECK((labels(0.0, 5e9, true).back() == "5e+09"));
  CHECK((labels(not_a_number, infinity, true).size() == 6));
  for (const double size : {1e-90, 1e-7, 1e3, 1e90}) {
    const auto found = labels(-size, 3 * size, true);
    CHECK(found.size() >= 4);
    CHECK(found.size() <= 10);
  }
}

TEST_CASE("a chart has its curves, bands, gaps, ticks and names")
{
  const report::line_chart chart{
      .title = "Loss & <more>",
      .x_label = "epoch",
      .y_label = "nats",
      .curves = {{.name = "plain", .x = {0, 1, 2, 3}, .y = {4, 3, 2, 1}},
                 {.name = "with a gap", .x = {0, 1, 2, 3}, .y = {1, 2, not_a_number, 4}},
                 {.name = "banded",
                  .x = {0, 1, 2, 3},
                  .y = {2, 2, 2, 2},
                  .low = {1, 1, 1, 1},
                  .high = {3, 3, 3, 3}}}};
  const auto svg = report::svg_text(chart);
  CHECK(svg == report::svg_text(chart));
  CHECK(times_in(svg, "<polyline") == 3);
  CHECK(times_in(svg, "<polygon") == 1);
  CHECK(times_in(svg, "<circle") == 1);
  CHECK(times_in(svg, "nan") + times_in(svg, "inf") == 0);
  const auto texts = texts_in(svg);
  const auto has = [&](const char* words) {
    return std::find(texts.begin(), texts.end(), words) != texts.end();
  };
  for (const char* words :
       {"Loss &amp; &lt;more&gt;", "epoch", "nats", "plain", "with a gap", "banded", "1.0", "4.0"})
    CHECK_MESSAGE(has(words), words);

  // The first curve falls from the top left to the bottom right of the plot.
  const auto points = elements_of(svg, "polyline").at(0).word("points");
  double x[4], y[4];
  REQUIRE(std::sscanf(points.c_str(), "%lf,%lf %lf,%lf %lf,%lf %lf,%lf", &x[0], &y[0], &x[1], &y[1],
                      &x[2], &y[2], &x[3], &y[3]) == 8);
  // 760 - (40 + 10 letters of 6.96) - 14 pixels end the plot; 34 + 3 letters begin it.
  CHECK(x[0] == doctest::Approx(34 + 3 * 6.96).epsilon(1e-3).scale(0));
  CHECK(x[3] == doctest::Approx(760 - 40 - 10 * 6.96 - 14).epsilon(1e-3).scale(0));
  CHECK(y[0] == 42);
  CHECK(y[3] == 440 - 48);
  for (int i = 1; i < 4; ++i) {
    CHECK(x[i] - x[i - 1] == doctest::Approx(x[1] - x[0]).epsilon(1e-3).scale(0));
    CHECK(y[i] - y[i - 1] == doctest::Approx(y[1] - y[0]).epsilon(1e-3).scale(0));
    CHECK(x[i] > x[i - 1]);
    CHECK(y[i] > y[i - 1]);
  }
}

TEST_CASE("more curves than colors differ by their strokes")
{
  report::line_chart chart{.title = "", .x_label = "", .y_label = "", .curves = {}};
  for (int i = 0; i < 28; ++i)
    chart.curves.push_back({.name = std::to_string(i), .x = {0, 1}, .y = {0, 1.0 * i}});
  const auto svg = report::svg_text(chart);
  std::set<std::string> strokes;
  for (auto at = svg.find("<polyline"); at != std::string::npos;
       at = svg.find("<polyline", at + 1)) {
    const auto from = svg.find("stroke=", at);
    strokes.insert(svg.substr(from, svg.find("/>", from) - from));
  }
  CHECK(strokes.size() == 28);
}

TEST_CASE("a name that is wider than its room is truncated")
{
  const std::string name(200, 'w');
  const report::line_chart chart{
      .title = "", .x_label = "", .y_label = "", .curves = {{.name = name, .x = {0}, .y = {0}}}};
  // 0.4 x 760 - 40 pixels hold 37 letters of 6.96, the last one an ellipsis.
  CHECK(texts_in(report::svg_text(chart)).back() == std::string(36, 'w') + "\u2026");
  const report::interval_chart intervals{.rows = {{name, 0, 0, 0}}, .width = 300};
  CHECK(texts_in(report::svg_text(intervals)).back() == std::string(21, 'w') + "\u2026");
}

TEST_CASE("a curve over runs is their mean in a band from least to greatest")
{
  const auto c = report::curve_over_runs("seeds", {{1.0, 2.0}, {3.0, 2.0}, {5.0, 5.0}}, 1.0);
  CHECK((c.x == std::vector<double>{1.0, 2.0}));
  CHECK((c.y == std::vector<double>{3.0, 3.0}));
  CHECK((c.low == std::vector<double>{1.0, 2.0}));
  CHECK((c.high == std::vector<double>{5.0, 5.0}));
  CHECK(report::curve_over_runs("one", {{1.0, 2.0}}).low.empty());
  CHECK_THROWS_WITH_AS((void)report::curve_over_runs("x", {}),
                       "rolewise: curve_over_runs: 'x' has no runs", std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)report::curve_over_runs("x", {{1.0, 2.0}, {1.0}}),
                       "rolewise: curve_over_runs: 'x' has runs of 2 and 1 values",
                       std::invalid_argument);
}

TEST_CASE("a chart refuses what it cannot draw")
{
  const auto refuses = [](report::curve c, const char* why) {
    const report::line_chart chart{
        .title = "", .x_label = "", .y_label = "", .curves = {std::move(c)}};
    CHECK_THROWS_WITH_AS((void)report::svg_text(chart), why, std::invalid_argument);
  };
  refuses({.name = "c", .x = {}, .y = {}},
          "rolewise: line_chart: 'c' wants as many x as y, at least 1, got 0 and 0");
  refuses({.name = "c", .x = {1}, .y = {1, 2}},
          "rolewise: line_chart: 'c' wants as many x as y, at least 1, got 1 and 2");
  refuses({.name = "c", .x = {1}, .y = {1}, .low = {0}},
          "rolewise: line_chart: 'c' wants a band of 1 values or none, got 1 and 0");
  refuses({.name = "c", .x = {not_a_number}, .y = {1}},
          "rolewise: line_chart: 'c' wants finite x, got nan");
  refuses({.name = "c", .x = {1}, .y = {1e200}},
          "rolewise: line_chart: 'c' wants |y| up to 1e100, got 1e+200");
  CHECK_THROWS_WITH_AS((void)report::svg_text(report::line_chart{}),
                       "rolewise: line_chart: has no curves", std::invalid_argument);
  report::line_chart small{};
  small.width = 10;
  CHECK_THROWS_WITH_AS((void)report::svg_text(small),
                       "rolewise: line_chart: wants at least 200 x 150 pixels, got 10 x 440",
                       std::invalid_argument);
  const scratch here;
  report::line_chart chart{};
  chart.curves = {{.name = "c", .x = {1}, .y = {not_a_number}}};
  CHECK_THROWS_AS(report::write_svg(here.path + "/none/c.svg", chart), std::runtime_error);
  report::write_svg(here.path + "/c.svg", chart);
  CHECK(content_of(here.path + "/c.svg") == report::svg_text(chart));
}

TEST_CASE("a run record reads back as it was written, to the last bit")
{
  const scratch here;
  const auto path = here.path + "/record.json";
  const auto record = full_record();
  report::write_json(path, record);
  const auto back = report::read_run_record(path);
  CHECK(back.name == record.name);
  CHECK((back.seed == record.seed));
  CHECK((back.options == record.options));
  CHECK((back.results == record.results));
  CHECK(std::signbit(back.results[1].value));
  CHECK(same_results(back.history, record.history));
  CHECK(back.history.seconds() == 5.75);
  CHECK((back.versions == record.versions));
  CHECK(back.threads == 3);
  CHECK(json_text(back) == json_text(record));

  REQUIRE(back.versions.size() == 2);
  CHECK(back.versions[0].name == "rolewise");
  CHECK(back.versions[1].name == "libtorch");
  CHECK(back.versions[1].version == TORCH_VERSION);
}

TEST_CASE("in a run record what is not finite is null, and null is not a number")
{
  const scratch here;
  const auto path = here.path + "/record.json";
  report::run_record record;
  record.results = {{"a", infinity}, {"b", not_a_number}};
  report::write_json(path, record);
  CHECK(times_in(content_of(path), ": null") == 2);
  const auto back = report::read_run_record(path);
  CHECK(std::isnan(back.results[0].value));
  CHECK(std::isnan(back.results[1].value));
}

TEST_CASE("without times a record does not depend on the clock")
{
  auto a = full_record(), b = full_record();
  b.history.epochs[1].seconds = 99.0;
  CHECK(json_text(a) != json_text(b));
  CHECK(json_text(report::without_times(a)) == json_text(report::without_times(b)));
  b.history.epochs[1].numbers[0].value = 0.0;
  CHECK(json_text(report::without_times(a)) != json_text(report::without_times(b)));
}

TEST_CASE("a file that is no run record is refused with its name and its byte")
{
  const scratch here;
  const auto path = here.path + "/record.json";
  const auto refuses = [&](const std::string& text, const std::string& why) {
    write_text(path, text);
    const auto whole = "rolewise: " + path + ": " + why;
    CHECK_THROWS_WITH_AS((void)report::read_run_record(path), whole.c_str(), std::runtime_error);
  };
  refuses("", "is not JSON: at byte 0: want a value");
  refuses("{\"format\": }", "is not JSON: at byte 11: want a value");
  refuses("{} x", "is not JSON: at byte 3: want the end");
  refuses("{\"a\" 1}", "is not JSON: at byte 5: want ':'");
  refuses("{\"a", "is not JSON: at byte 3: want the end of a string");
  refuses("[1 2]", "is not JSON: at byte 3: want ',' or ']'");
  refuses("{a}", "is not JSON: at byte 1: want a name");
  refuses("[\"\\x\"]", "is not JSON: at byte 3: has an unknown escape");
  refuses("[\"\\ud800\"]", "is not JSON: at byte 7: has half a surrogate pair");
  refuses(std::string(100000, '['), "is not JSON: at byte 65: is nested too deeply");
  refuses("[]", "is no whole run record: wants an object and has something else");
  refuses("{}", "is no whole run record: has no 'format'");
  refuses("{\"format\": \"other\"}", "is no run record but of the format 'other'");
  refuses("{\"format\": \"rolewise-run-record\", \"format_version\": 2}",
          "is a run record of version 2, want 1");
  refuses("{\"format\": \"rolewise-run-record\", \"format_version\": 1}",
          "is no whole run record: has no 'name'");

  // A truncated record is refused, wherever it is cut.
  const auto whole = json_text(full_record());
  for (std::size_t length = 0; length + 2 < whole.size(); length += 7) {
    write_text(path, whole.substr(0, length));
    CHECK_THROWS_AS((void)report::read_run_record(path), std::runtime_error);
  }
  CHECK_THROWS_AS((void)report::read_run_record(here.path), std::runtime_error);
  const auto why = "rolewise: " + here.path + "/none: cannot be read: No such file or directory";
  CHECK_THROWS_WITH_AS((void)report::read_run_record(here.path + "/none"), why.c_str(),
                       std::runtime_error);
  CHECK_THROWS_AS(report::write_json(here.path + "/none/record.json", {}), std::runtime_error);
}

TEST_CASE("JSON of others is read too")
{
  const auto read = [](std::string_view text) {
    return rolewise::detail::json_reader{text}.read();
  };
  CHECK(read(" \"a\\u00e9\\u20ac\\ud83d\\ude00\\n\\/\" ").text() == "a\u00E9\u20AC\U0001F600\n/");
  CHECK(read("[-1.5E+2, 0]").elements()[0].real() == -150.0);
  CHECK(read("[true, null]").elements()[1].is_null());
  CHECK(read("{}").members().empty());
  CHECK_THROWS_AS((void)read("1e5").number<std::int64_t>(), rolewise::detail::json_error);
  CHECK_THROWS_AS((void)read("-1").number<std::uint64_t>(), rolewise::detail::json_error);
}
