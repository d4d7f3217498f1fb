// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/trial_table.hpp>.

#include <rolewise/train/trial_table.hpp>

#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/display_width.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/terminal.hpp>

#include <iomanip>
#include <ios>
#include <variant>

namespace rolewise {

ROLEWISE_INLINE void trial_table::on(const search_begin& event)
{
  seen = {};
  seen.begun = std::chrono::steady_clock::now();
  for (const auto& s : event.trial_states) seen.epochs.push_back(s.epoch);
  seen.is_live = how == style::live || (how == style::automatic && support::can_redraw(to));
  if (!event.so_far.events.empty()) {
    seen.round = event.so_far.events.back().round + 1;
    put(cut(detail::classic_text(event.so_far.strategy, ": resumed after round ", seen.round)));
  }
}

ROLEWISE_INLINE void trial_table::on(const search_goes_on& event)
{
  if (!seen.is_live && event.event.round > seen.round) print_round(event.so_far);
  seen.round = std::max(seen.round, event.event.round);
  auto& epoch = seen.epochs[static_cast<std::size_t>(event.event.trial)];
  if (event.event.what == search::search_event::kind::scored ||
      event.event.what == search::search_event::kind::failed)
    seen.trained += event.event.epoch - epoch;
  epoch = event.event.from_epoch.value_or(event.event.epoch);
  seen.trial_states = event.trial_states;
  if (seen.is_live) draw(event.so_far);
}

ROLEWISE_INLINE void trial_table::on(const search_end& event)
{
  seen.trial_states = event.trial_states;
  if (seen.is_live)
    draw(event.history);
  else
    print_round(event.history);
}

ROLEWISE_INLINE std::string trial_table::progress_line(const search::search_history& history) const
{
  std::int64_t done = 0, left = 0;
  for (const auto& s : seen.trial_states) {
    done += s.epoch;
    if (!s.finished) left += history.epochs - s.epoch;
  }
  auto words = detail::classic_text(history.strategy, "  round ", seen.round + 1, "  ", done, "/",
                                    done + left, " epochs");
  const auto failed = std::count_if(seen.trial_states.begin(), seen.trial_states.end(),
                                    [](const auto& s) { return s.failed; });
  if (failed > 0) words += detail::classic_text("  ", failed, " failed");
  if (left > 0 && seen.trained > 0) {
    const double elapsed =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - seen.begun).count();
    const auto seconds = static_cast<long long>(elapsed / static_cast<double>(seen.trained) *
                                                static_cast<double>(left));
    char text[48];
    std::snprintf(text, sizeof text, "  %lld:%02lld:%02lld left", seconds / 3600, seconds / 60 % 60,
                  seconds % 60);
    words += text;
  }
  return words;
}

ROLEWISE_INLINE std::vector<const search::trial_state*> trial_table::best_first() const
{
  std::vector<const search::trial_state*> sorted;
  for (const auto& s : seen.trial_states)
    if (s.at && (s.score || s.failed)) sorted.push_back(&s);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return a->score > b->score; });
  return sorted;
}

ROLEWISE_INLINE std::string trial_table::words_of(const search::configuration& p)
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
      if (*level != 0)
        words += detail::classic_text("  ", stem, ' ', *level, ':', word_of(all[i].second));
      continue;
    }
    words += "  " + name + " " + word_of(x);
  }
  return words;
}

ROLEWISE_INLINE std::string trial_table::word_of(const search::configuration::value& x)
{
  if (const auto* whole = std::get_if<std::int64_t>(&x)) return std::to_string(*whole);
  if (const auto* word = std::get_if<std::string>(&x)) return *word;
  return detail::classic_text(std::setprecision(4), std::get<double>(x));
}

ROLEWISE_INLINE std::string trial_table::row(const search::trial_state& s) const
{
  auto words = detail::classic_text(std::setw(6), s.trial, ' ', std::setw(6), s.epoch, "  ");
  words += s.score ? detail::classic_text(std::fixed, std::setprecision(4), std::setw(6), *s.score)
                   : std::string{"failed"};
  words += words_of(*s.at);
  return words;
}

ROLEWISE_INLINE void trial_table::print_round(const search::search_history& history)
{
  const auto sorted = best_first();
  auto line = progress_line(history);
  if (!sorted.empty() && sorted.front()->score) line += "  best" + row(*sorted.front());
  put(cut(line));
}

ROLEWISE_INLINE void trial_table::draw(const search::search_history& history)
{
  std::vector<std::string> lines{progress_line(history), " trial  epoch   score"};
  for (const auto* s : best_first())
    if (lines.size() < rows + 2) lines.push_back(row(*s));
  // Lines that have scrolled out of the window cannot be overwritten.
  const auto size = support::size_of_terminal(to);
  const auto most = size ? std::max<std::size_t>(size->rows - 1, 1) : lines.size();
  if (lines.size() > most) lines.resize(most);
  const auto back = size ? std::min(seen.drawn, most) : seen.drawn;
  std::string text = back > 0 ? detail::classic_text("\x1b[", back, "A\r\x1b[J") : "\r\x1b[J";
  for (const auto& line : lines) text += cut(line);
  put(text);
  seen.drawn = lines.size();
}

ROLEWISE_INLINE std::string trial_table::cut(const std::string& words) const
{
  const auto most = support::columns_for_lines(to);
  return support::cut_to_width(words, width == 0 ? most : std::min(width, most)) + "\n";
}

}  // namespace rolewise
