// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/search_histories.hpp"

#include <rolewise/report/search_page.hpp>
#include <rolewise/report/search_pictures.hpp>
#include <rolewise/report/table.hpp>
#include <rolewise/search/search_lineage.hpp>
#include <rolewise/support/file.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

using namespace rolewise;
using namespace rolewise::testing;

namespace {

search::configuration x_at(std::int64_t x) { return search::configuration{}.set("x", x); }

/// Trials 0 and 2 copy each other at epoch 1; at epoch 2 trial 1 copies trial 2 as it was before
/// that.
search::search_history swapped()
{
  return {.strategy = "by-hand",
          .space = search::search_space{{"x", search::integer_interval{0, 9}}},
          .trials = 3,
          .epochs = 4,
          .evaluation_interval = 1,
          .seed = seed{3},
          .events = {started(0, x_at(0)), started(1, x_at(1)), started(2, x_at(2)),
                     scored(0, 0, 1, 0.1), scored(0, 1, 1, 0.2), scored(0, 2, 1, 0.3),
                     copied(1, 0, 2, 1, x_at(3)), copied(1, 2, 0, 1, x_at(4)), scored(1, 0, 2, 0.4),
                     scored(1, 1, 2, 0.5), scored(1, 2, 2, 0.6), copied(2, 1, 2, 1, x_at(5)),
                     scored(2, 0, 3, 0.7), scored(2, 1, 2, 0.8), scored(2, 2, 3, 0.9)}};
}

std::size_t count_of(std::string_view text, std::string_view part)
{
  std::size_t count = 0;
  for (auto i = text.find(part); i != text.npos; i = text.find(part, i + 1)) ++count;
  return count;
}

/// Whether elements are closed in order, which is enough of XML to be shown.
bool is_well_formed(std::string_view text)
{
  std::vector<std::string> open;
  for (auto begin = text.find('<'); begin != text.npos; begin = text.find('<', begin + 1)) {
    const auto end = text.find('>', begin);
    if (end == text.npos) return false;
    const auto tag = text.substr(begin + 1, end - begin - 1);
    if (tag.find('<') != tag.npos) return false;
    if (tag.front() == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.emplace_back(tag.substr(0, tag.find(' ')));
    }
  }
  return open.empty();
}

}  // namespace

TEST_CASE("a lineage follows copies to what trials were when they were copied")
{
  const auto lineage = lineage_of(swapped());
  REQUIRE(lineage.stretches.size() == 6);
  CHECK(lineage.ancestry(0) == std::vector<std::size_t>{2, 3});
  CHECK(lineage.ancestry(2) == std::vector<std::size_t>{0, 4});
  CHECK(lineage.ancestry(1) == std::vector<std::size_t>{2, 5});  // as trial 2 was one round ago
  CHECK(lineage.stretches[5].begin == 1);
  CHECK(lineage.stretches[5].end == 2);
  CHECK(lineage.stretches[5].at == x_at(5));
  CHECK(lineage.founders_left() == 2);  // trial 1's first stretch has no descendants

  const auto scores = lineage.scores_of(1);
  REQUIRE(scores.size() == 2);
  CHECK((scores[0] == search::past_score{1, 0.3, x_at(2)}));
  CHECK((scores[1] == search::past_score{2, 0.8, x_at(5)}));
  CHECK_THROWS_AS((void)lineage.ancestry(3), std::invalid_argument);
  CHECK_THROWS_AS((void)lineage.ancestry(-1), std::invalid_argument);
}

TEST_CASE("a history that cannot have happened is refused by the number of its event")
{
  const auto complain = [](auto&& spoil) {
    auto history = swapped();
    spoil(history.events);
    return lineage_of(history);
  };
  CHECK_THROWS_WITH_AS((void)complain([](auto& e) { e[6].trial = 7; }),
                       "rolewise: search_lineage: event 6 is about a trial that the history does "
                       "not have",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)complain([](auto& e) { e[11].from_epoch = 7; }),
                       "rolewise: search_lineage: event 11 copies a trial at an epoch that it was "
                       "never looked at",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)complain([](auto& e) { e.erase(e.begin()); }),
                       "rolewise: search_lineage: event 2 scores what has not started, or has no "
                       "score",
                       std::invalid_argument);
  CHECK_THROWS_AS((void)complain([](auto& e) { e[0].at.reset(); }), std::invalid_argument);
  CHECK_THROWS_AS((void)complain([](auto& e) { e[6].from.reset(); }), std::invalid_argument);
}

TEST_CASE("the best trial has the best mean of its last evaluations, by number if equal")
{
  const auto ranked = search::ranked_trials(swapped(), 2);
  REQUIRE(ranked.size() == 3);
  CHECK(ranked[0].trial == 2);
  CHECK(ranked[0].mean == doctest::Approx(0.75));
  CHECK(ranked[1].trial == 0);
  CHECK(ranked[1].mean == doctest::Approx(0.55));
  CHECK(ranked[2].trial == 1);  // trained for two epochs only
  CHECK(search::best_trial(swapped(), 1) == 2);

  auto history = swapped();
  history.events = {started(0, x_at(0)),   started(1, x_at(1)),   started(2, x_at(2)),
                    scored(0, 0, 1, 0.25), scored(0, 1, 1, 0.5),  scored(0, 2, 1, 0.5),
                    scored(1, 0, 2, 0.75), scored(1, 1, 2, 0.25), scored(1, 2, 2, 0.25)};
  CHECK(search::best_trial(history, 1) == 0);
  CHECK(search::best_trial(history, 2) == 0);
  history.events[3].score = 0.0;  // now all have the mean 0.375
  CHECK(search::best_trial(history, 2) == 0);
  history.events[3].score = -0.5;
  CHECK(search::best_trial(history, 2) == 1);  // the lower of two that are equal
  CHECK(search::best_trial(history, 1) == 0);

  CHECK_THROWS_AS((void)search::ranked_trials(history, 0), std::invalid_argument);
  history.events.clear();
  CHECK_THROWS_WITH_AS((void)search::best_trial(history),
                       "rolewise: best_trial: no trial has a score", std::invalid_argument);
}

TEST_CASE("a lineage tree draws each stretch where it happened")
{
  const auto tree = report::lineage_tree(swapped());
  CHECK(is_well_formed(tree));
  CHECK(count_of(tree, "<circle") == 3);  // starts
  // Trial 2's row to trial 0's at epoch 1 of 4: once among all stretches, once among the living
  // ones.
  const std::string_view curve = "M236,111 C243,111 243,59 250,59";
  CHECK(count_of(tree, curve) == 2);
  const auto best = tree.substr(tree.find("class=\"best\""));
  CHECK(count_of(best, "M236,59 C243,59 243,111 250,111") == 1);
  CHECK(count_of(best, curve) == 0);
  // Trial 1's first two epochs have no surviving descendants.
  const std::string_view lost = "x1=\"76\" y1=\"85\" x2=\"396\" y2=\"85\"";
  CHECK(count_of(tree, lost) == 1);
  CHECK(count_of(tree.substr(tree.find("class=\"living\"")), lost) == 0);
  CHECK(count_of(tree, "0.9000 best") == 1);
  CHECK(count_of(tree, ">4</text>") == 1);  // epochs are whole numbers
  CHECK(count_of(tree, ">0.5</text>") == 0);

  auto later = swapped();
  for (auto& event : later.events) event.seconds = 100.0;
  CHECK(report::lineage_tree(later) == tree);

  auto halved = swapped();
  halved.events.resize(6);
  halved.events.push_back(stopped(1, 2));
  CHECK(count_of(report::lineage_tree(halved), "stroke=\"#333333\"") == 2);  // one cross
  halved.trials = 0;
  halved.events.clear();
  CHECK_THROWS_AS((void)report::lineage_tree(halved), std::invalid_argument);
  halved.trials = 1001;
  CHECK_THROWS_AS((void)report::lineage_tree(halved), std::invalid_argument);
}

TEST_CASE("curves of a search begin where copies were made and mark the best")
{
  const auto curves = report::search_curves(swapped());
  CHECK(is_well_formed(curves));
  CHECK(count_of(curves, "best: trial 2") == 1);
  // Scores 0.1 to 0.9 on an axis of 0 to 1, epochs 0 to 4: the curve of trial 2 in red.
  CHECK(count_of(curves,
                 "<polyline points=\"236,334 396,174 556,78\" "
                 "fill=\"none\" stroke-linejoin=\"round\" stroke=\"#D55E00\"") == 1);
  CHECK(count_of(curves, "<title>trial 1</title>") == 2);  // both of its stretches
  auto none = swapped();
  none.events.resize(3);
  CHECK(is_well_formed(report::search_curves(none)));
}

TEST_CASE("a page of a search needs nothing else and escapes what it is told")
{
  const auto history = population_history(8, 12, "student.");
  const auto page =
      report::search_page(history, {.title = "A & <b>", .settings = {{"data", "\"x\""}}});
  CHECK(count_of(page, "<svg") == 4);
  CHECK(count_of(page, "How likely an operation is") == 1);
  CHECK(count_of(page, "student.policy") == 2);
  CHECK(count_of(page, "<h1>A &amp; &lt;b&gt;</h1>") == 1);
  CHECK(count_of(page, "&quot;x&quot;") == 1);
  CHECK(count_of(page, "http") == 4);  // the SVG namespace of each picture
  CHECK(count_of(page, "http://www.w3.org/2000/svg") == 4);
  for (const auto* loader : {"<script", "src=", "href", "url(", "@import"})
    CHECK(page.find(loader) == page.npos);
  CHECK(count_of(page, "<tr>") == 1 + 8 + 1 + 9);

  const auto plain = report::search_page(swapped());
  CHECK(count_of(plain, "<svg") == 2);
  CHECK(count_of(plain, "<td>x</td><td>0 .. 9</td>") == 1);
  CHECK(count_of(plain, "9 epochs trained in all, 3 copies") == 1);
  CHECK(count_of(plain, "What is left descends from 2 of") == 1);

  auto begun = swapped();
  begun.events.clear();
  CHECK(count_of(report::search_page(begun), "No trial has a score yet") == 1);

  const auto path = (std::filesystem::temp_directory_path() / "rolewise_search_page.html").string();
  report::write_search_page(path, history, {.title = "A & <b>", .settings = {{"data", "\"x\""}}});
  CHECK(support::text_of_file(path) == page);
  std::filesystem::remove(path);
}

TEST_CASE("trials that fail are in lineage, page and pictures, and are never the best")
{
  // Trial 0 fails and becomes a copy of trial 1; trial 2, the best until then, fails for good.
  const search::search_history history{
      .strategy = "by-hand",
      .space = search::search_space{{"x", search::integer_interval{0, 9}}},
      .trials = 3,
      .epochs = 4,
      .evaluation_interval = 1,
      .seed = seed{3},
      .events = {started(0, x_at(0)), started(1, x_at(1)), started(2, x_at(7)),
                 failed(0, 0, 1, "fit: 'loss' is nan in epoch 0, step <3>"), scored(0, 1, 1, 0.2),
                 scored(0, 2, 1, 0.9), copied(1, 0, 1, 1, x_at(3)), scored(1, 0, 2, 0.4),
                 scored(1, 1, 2, 0.3), failed(1, 2, 2, "metric: too bad"), stopped(2, 2)}};
  const auto lineage = lineage_of(history);
  CHECK(lineage.stretches.at(0).failed);
  CHECK(lineage.stretches[0].end == 1);
  CHECK_FALSE(lineage.stretches.at(3).failed);
  CHECK(lineage.founders_left() == 1);
  CHECK(search::best_trial(history) == 0);
  CHECK(search::ranked_trials(history).size() == 2);
  CHECK((search::failed_trials(history) ==
         std::vector<search::failed_trial>{{2, 2, x_at(7), "metric: too bad"}}));

  const auto page = report::search_page(history);
  const auto begin = page.find("<body>"), end = page.find("</html>");
  CHECK(is_well_formed(page.substr(begin, end - begin)));
  CHECK(page.find("1 stopped, 2 failures, ") != page.npos);
  CHECK(page.find("<td class=\"number\">-</td><td class=\"number\">2</td>"
                  "<td class=\"number\">2</td>") != page.npos);
  CHECK(page.find("<td>failed</td><td class=\"number\">7</td>") != page.npos);
  CHECK(page.find("<td>fit: 'loss' is nan in epoch 0, step &lt;3&gt;</td>") != page.npos);
  CHECK(page.find("<td>metric: too bad</td>") != page.npos);
  CHECK(page.find("<h2>Failures</h2>") != page.npos);
  CHECK(count_of(report::lineage_tree(history), ">failed</text>") == 1);
  const auto without = report::search_page(swapped());
  CHECK(without.find("ailure") == without.npos);
  CHECK(without.find("ailed") == without.npos);
}

TEST_CASE("the schedule on a page is that of the best trial and its ancestors")
{
  auto first = augmentation_policy{}.levels(), second = first;
  first[0] = 10;   // Rotate with probability 1
  second[10] = 5;  // Invert with probability 0.5
  search::search_history history{
      .strategy = "by-hand",
      .space = search::policy_space(),
      .trials = 2,
      .epochs = 4,
      .evaluation_interval = 2,
      .seed = seed{0},
      .events = {started(0, search::configuration_of(augmentation_policy{first})),
                 started(1, search::configuration_of(augmentation_policy{})), scored(0, 0, 2, 0.5),
                 scored(0, 1, 2, 0.1),
                 copied(1, 1, 0, 2, search::configuration_of(augmentation_policy{second})),
                 scored(1, 0, 4, 0.5), scored(1, 1, 4, 0.9)}};
  const policy_schedule wanted{{{0, augmentation_policy{first}}, {2, augmentation_policy{second}}}};
  const auto page = report::search_page(history);
  CHECK(page.find(report::svg_text(report::probability_map(wanted, 4))) != page.npos);
  CHECK(page.find(report::svg_text(report::magnitude_map(wanted, 4))) != page.npos);
}

TEST_CASE("a table as HTML")
{
  report::table rows{{"name", "n<"}};
  rows.add({"a & b", "1"});
  CHECK(rows.html() ==
        "<table>\n<tr><th>name</th><th class=\"number\">n&lt;</th></tr>\n"
        "<tr><td>a &amp; b</td><td class=\"number\">1</td></tr>\n</table>\n");
}
