// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/progress_bar.hpp>.

#include <rolewise/train/progress_bar.hpp>

#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/display_width.hpp>
#include <rolewise/support/terminal.hpp>

#include <algorithm>

namespace rolewise {

ROLEWISE_INLINE void progress_bar::on(const fit_begin& event)
{
  seen = {};
  seen.begun = std::chrono::steady_clock::now();
  seen.epochs = event.run.epochs;
  seen.total_steps = (event.last_epoch - event.first_epoch) * event.run.steps_per_epoch;
  seen.is_live = how == style::live || (how == style::automatic && support::can_redraw(to));
  if (event.is_resumed)
    print(titled(detail::classic_text("resumed after epoch ", event.first_epoch, "/", seen.epochs)),
          true);
}

ROLEWISE_INLINE void progress_bar::on(const step_end& event)
{
  ++seen.steps;
  seen.examples += event.examples;
  if (!seen.is_live) return;
  const auto current = std::chrono::steady_clock::now();
  if (current - seen.drawn < std::chrono::milliseconds{200}) return;
  seen.drawn = current;
  const double elapsed = std::chrono::duration<double>(current - seen.begun).count();
  const auto& at = event.progress;
  const auto& loss = event.numbers.front();
  std::string numbers = detail::classic_text(at.step + 1, "/", at.steps_per_epoch, "  ", loss.name);
  numbers += number(" %.4f", loss.value.item<double>());
  numbers += number("  %.0f/s", static_cast<double>(seen.examples) / elapsed);
  const double left = elapsed / static_cast<double>(seen.steps) *
                      static_cast<double>(seen.total_steps - seen.steps);
  numbers += "  " + clock(left) + " left";
  const auto head = titled(detail::classic_text("epoch ", at.epoch + 1, "/", at.epochs, " "));
  const auto room = support::columns_for_lines(to),
             taken = support::display_width(head) + support::display_width(numbers);
  print(head + bar(at, room > taken ? room - taken : 0) + numbers, false);
}

ROLEWISE_INLINE void progress_bar::on(const epoch_end& event)
{
  auto line = titled(detail::classic_text("epoch ", event.record.epoch + 1, "/", seen.epochs));
  std::string end = "  " + clock(event.record.seconds);
  if (event.record.validation_accuracy)
    end.insert(0, number("  validation accuracy %.4f", *event.record.validation_accuracy));
  if (const auto& score = event.record.validation_metric)
    end.insert(0, "  validation " + score->name + number(" %.4f", score->value));
  const auto most = support::columns_for_lines(to);
  bool is_first = true;  // the loss, which is always printed
  for (const auto& [name, value] : event.record.numbers) {
    const auto longer = line + "  " + name + number(" %.4f", value);
    if (!is_first && support::display_width(longer) + support::display_width(end) > most) break;
    is_first = false;
    line = longer;
  }
  print(line + end, true);
}

ROLEWISE_INLINE void progress_bar::on(const fit_end& event)
{
  if (event.how == ending::stopped_early) print(titled("stopped early"), true);
  if (seen.is_open) put("\n");
}

ROLEWISE_INLINE std::string progress_bar::number(const char* form, double value)
{
  char text[384];  // a double has up to 309 digits before the point
  std::snprintf(text, sizeof text, form, value);
  return text;
}

ROLEWISE_INLINE std::string progress_bar::bar(const training_progress& progress, std::size_t room)
{
  constexpr std::size_t around = 3, fewest = 4, most = 20;
  if (room < around + fewest) return {};
  const auto cells = static_cast<std::int64_t>(std::min(room - around, most));
  const auto full = std::min(cells, cells * (progress.step + 1) / progress.steps_per_epoch);
  return "[" + std::string(static_cast<std::size_t>(full), '#') +
         std::string(static_cast<std::size_t>(cells - full), '.') + "] ";
}

ROLEWISE_INLINE std::string progress_bar::clock(double seconds)
{
  char text[48];
  const auto whole = static_cast<long long>(std::max(seconds, 0.0) + 0.5);
  if (seconds < 9.95)
    std::snprintf(text, sizeof text, "%.1f s", std::max(seconds, 0.0));
  else if (whole < 3600)
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60,
                  whole % 60);
  return text;
}

ROLEWISE_INLINE void progress_bar::print(const std::string& words, bool is_final)
{
  const auto line = support::cut_to_width(words, support::columns_for_lines(to));
  put((seen.is_live ? line_start : "") + line + (is_final ? "\n" : "\r"));
  seen.is_open = !is_final;
}

}  // namespace rolewise
