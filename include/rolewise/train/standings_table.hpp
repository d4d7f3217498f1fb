// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The observer that shows a search to whoever waits for it.

#include <rolewise/core/error.hpp>
#include <rolewise/search/point.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/train/search_observer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <unistd.h>

namespace rolewise {

/// On a terminal a table that moves while the search runs, the best first:
///
///     population-based  round 3  31/160 epochs  0:42 left
///      trial  epoch   score
///          5      3  0.8123  rate 0.0312  bits 4
///          0      2  0.7944  rate 0.1000  bits 2
///
/// Elsewhere one line when a round is over, with the best trial. `left` supposes that every trial
/// that is not stopped will use its epochs.
struct standings_table {
  enum class style {
    automatic,  ///< live on a terminal
    live,
    plain,
  };

  std::FILE* to = stderr;
  style how = style::automatic;
  std::size_t rows = 8;    ///< of the table, at most
  std::size_t width = 78;  ///< of a row, at most

  /// What it has seen; leave it out.
  struct {
    std::chrono::steady_clock::time_point begun{};
    std::vector<std::int64_t> epochs{};  ///< that each trial stands at
    std::vector<standing> standings{};
    std::int64_t trained = 0;  ///< epochs since `begun`
    std::int64_t round = 0;
    std::size_t drawn = 0;  ///< lines that are on the terminal
    bool is_live = false;
  } seen{};

  void see(const search_begins& event)
  {
    seen = {};
    seen.begun = std::chrono::steady_clock::now();
    for (const auto& s : event.standings) seen.epochs.push_back(s.epoch);
    seen.is_live = how == style::live || (how == style::automatic && ::isatty(::fileno(to)) == 1);
    if (!event.so_far.events.empty()) {
      seen.round = event.so_far.events.back().round + 1;
      std::fprintf(to, "%s: resumed after round %lld\n", event.so_far.strategy.c_str(),
                   static_cast<long long>(seen.round));
    }
  }

  void see(const search_goes_on& event)
  {
    if (!seen.is_live && event.event.round > seen.round) print_round(event.so_far);
    seen.round = std::max(seen.round, event.event.round);
    auto& epoch = seen.epochs[static_cast<std::size_t>(event.event.trial)];
    if (event.event.what == search_event::kind::scored) seen.trained += event.event.epoch - epoch;
    epoch = event.event.from_epoch.value_or(event.event.epoch);
    seen.standings = event.standings;
    if (seen.is_live) draw(event.so_far);
  }

  void see(const search_ends& event)
  {
    seen.standings = event.standings;
    if (seen.is_live)
      draw(event.history);
    else
      print_round(event.history);
    std::fflush(to);
  }

 private:
  /// What trials have done and have to do.
  [[nodiscard]] std::string progress(const search_history& history) const
  {
    std::int64_t done = 0, left = 0;
    for (const auto& s : seen.standings) {
      done += s.epoch;
      if (!s.finished) left += history.epochs - s.epoch;
    }
    auto words = c10::str(history.strategy, "  round ", seen.round + 1, "  ", done, "/",
                          done + left, " epochs");
    if (left > 0 && seen.trained > 0) {
      const double elapsed =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - seen.begun).count();
      const auto seconds = static_cast<long long>(elapsed / static_cast<double>(seen.trained) *
                                                  static_cast<double>(left));
      char text[48];
      std::snprintf(text, sizeof text, "  %lld:%02lld:%02lld left", seconds / 3600,
                    seconds / 60 % 60, seconds % 60);
      words += text;
    }
    return words;
  }

  [[nodiscard]] std::vector<const standing*> best_first() const
  {
    std::vector<const standing*> sorted;
    for (const auto& s : seen.standings)
      if (s.score) sorted.push_back(&s);
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto* a, const auto* b) { return *a->score > *b->score; });
    return sorted;
  }

  /// A policy's pair of levels as "Rotate.1 6:7"; pairs of probability 0 do nothing and are left
  /// out.
  [[nodiscard]] static std::string words_of(const point& p)
  {
    std::string words;
    const auto& all = p.values();
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto& [name, x] = all[i];
      const auto stem = stem_of(name, ".probability");
      const auto* level = std::get_if<std::int64_t>(&x);
      if (!stem.empty() && level != nullptr && i + 1 < all.size() &&
          stem_of(all[i + 1].first, ".magnitude") == stem) {
        ++i;
        if (*level != 0) words += c10::str("  ", stem, ' ', *level, ':', word_of(all[i].second));
        continue;
      }
      words += "  " + name + " " + word_of(x);
    }
    return words;
  }
  [[nodiscard]] static std::string_view stem_of(std::string_view name, std::string_view end)
  {
    return name.ends_with(end) ? name.substr(0, name.size() - end.size()) : std::string_view{};
  }
  [[nodiscard]] static std::string word_of(const point::value& x)
  {
    if (const auto* whole = std::get_if<std::int64_t>(&x)) return std::to_string(*whole);
    if (const auto* word = std::get_if<std::string>(&x)) return *word;
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", std::get<double>(x));
    return text;
  }

  [[nodiscard]] std::string row(const standing& s) const
  {
    char text[96];
    std::snprintf(text, sizeof text, "%6lld %6lld  %6.4f", static_cast<long long>(s.trial),
                  static_cast<long long>(s.epoch), *s.score);
    std::string words = text;
    words += words_of(*s.at);
    if (words.size() > width) words.resize(width);
    return words;
  }

  void print_round(const search_history& history)
  {
    const auto sorted = best_first();
    auto line = progress(history);
    if (!sorted.empty()) line += "  best" + row(*sorted.front());
    std::fprintf(to, "%s\n", line.c_str());
  }

  void draw(const search_history& history)
  {
    std::vector<std::string> lines{progress(history), " trial  epoch   score"};
    for (const auto* s : best_first())
      if (lines.size() < rows + 2) lines.push_back(row(*s));
    lines.resize(std::max(lines.size(), seen.drawn));
    if (seen.drawn > 0) std::fprintf(to, "\x1b[%zuA", seen.drawn);
    for (const auto& line : lines) std::fprintf(to, "\r%s\x1b[K\n", line.c_str());
    std::fflush(to);
    seen.drawn = lines.size();
  }
};

static_assert(SearchObserver<standings_table>);

}  // namespace rolewise
