// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "support/pseudo_terminal.hpp"

#include <rolewise/search/policy_space.hpp>
#include <rolewise/support/display_width.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/terminal.hpp>
#include <rolewise/train/progress_bar.hpp>
#include <rolewise/train/trial_table.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

using rows = std::vector<std::string>;
using widths = std::vector<unsigned short>;

// Names may have any characters: accents, wide ones, combining marks, and cursor control.
const std::string odd_name = "\u5B66\u751F e\u0301t\u00E9 \U0001F642\n\x1b[2J\xFF";

/// Sets the terminal kind that a test needs, and restores the environment.
struct with_terminal_kind {
  explicit with_terminal_kind(const char* kind) { ::setenv("TERM", kind, 1); }
  ~with_terminal_kind()
  {
    if (before.empty())
      ::unsetenv("TERM");
    else
      ::setenv("TERM", before.c_str(), 1);
  }
  std::string before = std::getenv("TERM") == nullptr ? "" : std::getenv("TERM");
};

/// A run of two epochs of three steps; `after_step` is called after each with its number.
template<typename F>
void train(progress_bar& bar, F&& after_step)
{
  const run_signature run{.epochs = 2, .steps_per_epoch = 3};
  run_history history;
  bar.on(fit_begin{run, history, 0, 2, false});
  for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
    for (std::int64_t step = 0; step < 3; ++step) {
      const metrics numbers{{"loss", torch::tensor(0.8124)}};
      bar.seen.drawn = {};  // as if the last drawing were long ago
      bar.on(
          step_end{{.epoch = epoch, .step = step, .epochs = 2, .steps_per_epoch = 3}, 8, numbers});
      after_step(3 * epoch + step);
    }
    epoch_record record;
    record.epoch = epoch;
    record.numbers = {{"loss", 0.75}, {"soft-target-kl", 0.5}, {"cross-entropy", 0.25}};
    record.validation_accuracy = 0.875;
    record.seconds = 1.5;
    history.epochs.push_back(record);
    bar.on(epoch_end{run, record, history});
  }
  bar.on(fit_end{history, ending::finished});
}

/// The text that a bar writes to a file.
std::string logged(progress_bar bar)
{
  char* text = nullptr;
  std::size_t size = 0;
  bar.to = ::open_memstream(&text, &size);
  train(bar, [](std::int64_t) {});
  std::fclose(bar.to);
  const std::string words{text, size};
  std::free(text);
  return words;
}

search::search_history tiny_search()
{
  return {.strategy = "population-based",
          .space = search::policy_space(),
          .trials = 3,
          .epochs = 4,
          .events = {}};
}

std::vector<search::trial_state> trial_states_at(std::int64_t epoch)
{
  std::vector<search::trial_state> all;
  for (std::int64_t trial = 0; trial < 3; ++trial) {
    search::configuration at;
    at.set("learning rate of " + odd_name, 0.25).set("momentum", 0.9).set("weight decay", 0.0005);
    all.push_back({.trial = trial,
                   .epoch = epoch,
                   .score = 0.5 + 0.125 * static_cast<double>(trial),
                   .at = at});
  }
  return all;
}

/// A search of four rounds; `after_round` is called after each.
template<typename F>
void searched(trial_table& table, F&& after_round)
{
  auto history = tiny_search();
  table.on(search_begin{history, trial_states_at(0)});
  for (std::int64_t round = 0; round < 4; ++round) {
    for (std::int64_t trial = 0; trial < 3; ++trial) {
      history.events.push_back({.what = search::search_event::kind::scored,
                                .round = round,
                                .trial = trial,
                                .epoch = round + 1,
                                .score = 0.5});
      table.on(search_goes_on{history.events.back(), history, trial_states_at(round + 1)});
    }
    after_round(round);
  }
  table.on(search_end{history, trial_states_at(4)});
}

bool all_fit(const rows& shown, std::size_t columns)
{
  return std::all_of(shown.begin(), shown.end(), [&](const std::string& row) {
    return support::display_width(row) <= columns;
  });
}

}  // namespace

TEST_CASE("text is as wide as terminals show it")
{
  CHECK(support::display_width("") == 0);
  CHECK(support::display_width("loss 0.8") == 8);
  CHECK(support::display_width("\u00E9t\u00E9 \u00B1 \u2500\u2026") == 8);
  CHECK(support::display_width("\u5B66\u751F") == 4);   // Chinese
  CHECK(support::display_width("\uD559\uC0DD") == 4);   // Hangul
  CHECK(support::display_width("\uFF21\uFF71") == 3);   // full and half width
  CHECK(support::display_width("e\u0301\u0323") == 1);  // combining marks
  CHECK(support::display_width("\u0939\u094D\u0928") ==
        2);                                              // Devanagari, the middle one of width 0
  CHECK(support::display_width("a\u200Bb\u200E") == 2);  // invisible characters
  CHECK(support::display_width("\U0001F642\U0001F9EA") == 4);
  CHECK(support::display_width("\U00020000\U0003FFFD") == 4);  // planes of ideographs, to their end
  CHECK(support::display_width("\u2764") == 1);
  CHECK(support::display_width("\u2764\uFE0F") == 2);  // the same as an emoji
  CHECK(support::display_width("\xE5\xAD x\xFF\xC0\x80\xED\xA0\x80") ==
        10);  // bytes that are not UTF-8
}

TEST_CASE("a cut text is a line of valid characters, and shows that it was cut")
{
  CHECK(support::cut_to_width("0.8124", 6) == "0.8124");
  CHECK(support::cut_to_width("0.8124", 5) == "0.81\u2026");
  CHECK(support::cut_to_width("0.8124", 1) == "\u2026");
  CHECK(support::cut_to_width("0.8124", 0).empty());
  CHECK(support::cut_to_width("", 0).empty());
  CHECK(support::cut_to_width("\u5B66\u751F\u5B66", 5) == "\u5B66\u751F\u2026");
  CHECK(support::cut_to_width("\u5B66\u751F\u5B66", 4) ==
        "\u5B66\u2026");  // never half a character
  CHECK(support::cut_to_width("\u5B66\u751F", 4) == "\u5B66\u751F");
  CHECK(support::cut_to_width("abe\u0301", 3) == "abe\u0301");
  CHECK(support::cut_to_width("abe\u0301f", 3) == "ab\u2026");
  CHECK(support::cut_to_width("a\nb\r\x1b[2J\x7F\u009B\u2028") == "a?b??[2J???");
  CHECK(support::cut_to_width("\xFF"
                              "a\xE5\xAD") ==
        "\uFFFD"
        "a\uFFFD\uFFFD");
  for (std::size_t columns = 0; columns < 20; ++columns)
    CHECK(support::display_width(support::cut_to_width(odd_name, columns)) <= columns);
}

TEST_CASE("a terminal says its size, each time anew, and a file has none")
{
  const testing::pseudo_terminal terminal{100, 30};
  CHECK(support::size_of_terminal(terminal.stream()) == support::terminal_size{100, 30});
  terminal.resize(40, 5);
  CHECK(support::size_of_terminal(terminal.stream()) == support::terminal_size{40, 5});
  CHECK(support::columns_for_lines(terminal.stream()) == 39);
  terminal.resize(1, 1);
  CHECK(support::columns_for_lines(terminal.stream()) == 1);
  terminal.resize(0, 0);  // unknown size
  CHECK(support::size_of_terminal(terminal.stream()) == support::terminal_size{80, 24});

  auto* const file = std::tmpfile();
  CHECK_FALSE(support::size_of_terminal(file));
  CHECK(support::columns_for_lines(file) > 1'000'000);
  std::fclose(file);
  CHECK_FALSE(support::size_of_terminal(nullptr));
}

TEST_CASE("the progress bar is one line on a terminal of any width")
{
  const with_terminal_kind any{"xterm"};
  for (const auto columns : widths{1, 2, 10, 40, 80, 200}) {
    CAPTURE(columns);
    const testing::pseudo_terminal terminal{columns};
    testing::screen screen{columns};
    progress_bar bar{.to = terminal.stream(), .title = odd_name + ", teacher-crop-flip"};
    train(bar, [&](std::int64_t step) {
      screen.show(terminal.take());
      const auto epoch = static_cast<std::size_t>(step / 3);
      CHECK(screen.rows().size() == epoch + 1);
    });
    screen.show(terminal.take());
    CHECK(screen.rows().size() == 2);
    CHECK(all_fit(screen.rows(), columns));
  }
}

TEST_CASE("the bar gives way before the numbers do")
{
  const with_terminal_kind any{"xterm"};
  const auto shown = [&](unsigned short columns) {
    const testing::pseudo_terminal terminal{columns};
    testing::screen screen{columns};
    std::string first;
    progress_bar bar{.to = terminal.stream(), .title = "tiny"};
    train(bar, [&](std::int64_t step) {
      screen.show(terminal.take());
      if (step == 0) first = screen.rows().front();
    });
    return first;
  };
  CHECK(shown(200).starts_with("tiny: epoch 1/2 [######..............] 1/3  loss 0.8124  "));
  CHECK(shown(200).ends_with(" left"));
  const auto narrow = shown(60);
  CHECK(narrow.starts_with("tiny: epoch 1/2 "));
  CHECK(narrow.find(" 1/3  loss 0.8124  ") != std::string::npos);
  CHECK(narrow.find("######..............") == std::string::npos);
  CHECK(shown(20) == "tiny: epoch 1/2 1/\u2026");
}

TEST_CASE("of an epoch the loss and the accuracy of validation are said before other numbers")
{
  const with_terminal_kind any{"xterm"};
  const auto shown = [&](unsigned short columns) {
    const testing::pseudo_terminal terminal{columns};
    testing::screen screen{columns};
    progress_bar bar{.to = terminal.stream()};
    train(bar, [&](std::int64_t) { screen.show(terminal.take()); });
    screen.show(terminal.take());
    return screen.rows().back();
  };
  CHECK(shown(120) ==
        "epoch 2/2  loss 0.7500  soft-target-kl 0.5000  cross-entropy 0.2500  "
        "validation accuracy 0.8750  1.5 s");
  CHECK(shown(81) ==
        "epoch 2/2  loss 0.7500  soft-target-kl 0.5000  validation accuracy 0.8750  1.5 s");
  CHECK(shown(60) == "epoch 2/2  loss 0.7500  validation accuracy 0.8750  1.5 s");
  CHECK(shown(30) == "epoch 2/2  loss 0.7500  vali\u2026");
}

TEST_CASE("the progress bar follows a window that changes its size")
{
  const with_terminal_kind any{"xterm"};
  const testing::pseudo_terminal terminal{120};
  testing::screen screen{120};
  progress_bar bar{.to = terminal.stream(), .title = "seed 1, teacher-crop-flip"};
  train(bar, [&](std::int64_t step) {
    screen.show(terminal.take());
    CHECK(screen.rows().size() == static_cast<std::size_t>(step / 3) + 1);
    const unsigned short columns = step == 0 ? 30 : step == 1 ? 70 : 25;
    terminal.resize(columns);
    screen.resize(columns);
    CHECK(screen.rows().back().find('\r') == std::string::npos);
  });
  screen.show(terminal.take());
  CHECK(screen.rows().size() == 2);
  CHECK(support::display_width(screen.rows().back()) < 25);
}

TEST_CASE("a run that fails leaves the line that says where")
{
  const with_terminal_kind any{"xterm"};
  const testing::pseudo_terminal terminal{80};
  progress_bar bar{.to = terminal.stream()};
  const metrics numbers{{"loss", torch::tensor(0.8124)}};
  bar.on(fit_begin{{.epochs = 2, .steps_per_epoch = 3}, {}, 0, 2, false});
  bar.on(step_end{{.epoch = 0, .step = 1, .epochs = 2, .steps_per_epoch = 3}, 8, numbers});
  bar.on(fit_end{{}, ending::failed});
  std::fputs("and why", terminal.stream());
  testing::screen screen{80};
  screen.show(terminal.take());
  REQUIRE(screen.rows().size() == 2);
  CHECK(screen.rows()[0].starts_with("epoch 1/2 [#############.......] 2/3  loss 0.8124  "));
  CHECK(screen.rows()[1] == "and why");
}

TEST_CASE("without a terminal an epoch is a whole line, whatever names it has")
{
  const auto text = logged({.title = odd_name});
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK(text.find('\r') == std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("epoch 2/2  loss 0.7500  soft-target-kl 0.5000  cross-entropy 0.2500  "
                  "validation accuracy 0.8750  1.5 s\n") != std::string::npos);

  // A long name is not truncated, and its number stays.
  const std::string long_name(200, 'x');
  const run_signature run;
  epoch_record record;
  record.numbers = {{long_name, 0.5}};
  char* bytes = nullptr;
  std::size_t size = 0;
  progress_bar bar{.to = ::open_memstream(&bytes, &size)};
  bar.on(epoch_end{run, record, {}});
  std::fclose(bar.to);
  CHECK(std::string{bytes, size}.find(long_name + " 0.5000") != std::string::npos);
  std::free(bytes);
}

TEST_CASE("a terminal that only prints is sent no escape sequences")
{
  const with_terminal_kind dumb{"dumb"};
  const testing::pseudo_terminal terminal{40};
  progress_bar bar{.to = terminal.stream(), .title = "tiny"};
  train(bar, [](std::int64_t) {});
  trial_table table{.to = terminal.stream()};
  searched(table, [](std::int64_t) {});
  const auto text = terminal.take();
  CHECK(text.find('\x1b') == std::string::npos);
  testing::screen screen{40};
  screen.show(text);
  CHECK(screen.rows().size() == 2 + 4);
}

TEST_CASE("the table of trial states keeps its place on a terminal of any size")
{
  const with_terminal_kind any{"xterm"};
  for (const auto columns : widths{1, 10, 40, 80, 200}) {
    CAPTURE(columns);
    const testing::pseudo_terminal terminal{columns};
    testing::screen screen{columns};
    trial_table table{.to = terminal.stream()};
    searched(table, [&](std::int64_t) { screen.show(terminal.take()); });
    screen.show(terminal.take());
    CHECK(screen.rows().size() == 5);
    CHECK(all_fit(screen.rows(), columns));
  }

  const testing::pseudo_terminal terminal{60, 4};
  testing::screen screen{60};
  trial_table table{.to = terminal.stream()};
  searched(table, [&](std::int64_t round) {
    screen.show(terminal.take());
    CHECK(screen.rows().size() == (round < 2 ? 3 : 1));
    const unsigned short columns = 40, low = 2;
    if (round == 1) terminal.resize(columns, low), screen = testing::screen{columns};
  });

  const testing::pseudo_terminal wide{200};
  trial_table narrow{.to = wide.stream(), .width = 30};
  searched(narrow, [](std::int64_t) {});
  testing::screen seen{200};
  seen.show(wide.take());
  CHECK(all_fit(seen.rows(), 30));
}

TEST_CASE("without a terminal a round of a search is a whole line")
{
  char* text = nullptr;
  std::size_t size = 0;
  trial_table table{.to = ::open_memstream(&text, &size)};
  searched(table, [](std::int64_t) {});
  std::fclose(table.to);
  const std::string words{text, size};
  std::free(text);
  CHECK(std::count(words.begin(), words.end(), '\n') == 4);
  CHECK(words.find('\x1b') == std::string::npos);
  CHECK(words.find("momentum 0.9  weight decay 0.0005\n") != std::string::npos);
}
