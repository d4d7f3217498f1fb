// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/detail/quantization_panel.hpp>.

#include <rolewise/report/detail/quantization_panel.hpp>
#include <rolewise/support/classic_text.hpp>

#include <algorithm>
#include <array>
#include <functional>

namespace rolewise::report::detail {

ROLEWISE_INLINE std::string caption_of(const quantization_view& view, bool shows_zeros)
{
  const auto percent = [](double share, int digits) {
    return fixed_text(100.0 * share, digits) + " %";
  };
  constexpr const char* dot = " \u00B7 ";
  std::string words =
      classic_text(view.bits.value(), view.bits.value() == 1 ? " bit" : " bits", dot, view.used,
                   "/", view.possible, " levels", dot, "clipped ", percent(view.clipped(), 2), dot,
                   "error ", percent(view.is_fitted ? view.fitted_error : view.error, 1));
  if (shows_zeros) words += dot + ("zero " + percent(view.zero_share(), 0));
  if (view.is_in_steps) words += dot + std::string{"in steps"};
  if (view.is_fitted) words += dot + ("levels \u00D7 " + fixed_text(view.gain, 3));
  return words;
}

ROLEWISE_INLINE void quantization_panel::draw(svg& sheet, bool shows_zeros) const
{
  sheet.begin_group("panel");
  sheet.write(caption_of(view_, shows_zeros), {left_, top_ - 6.0}, {.size = 11.0});
  draw_bars(sheet);
  draw_levels(sheet);
  sheet.line({left_, bottom_ + 0.5}, {left_ + width_, bottom_ + 0.5}, {});
  for (const auto& tick : axis_.ticks())
    sheet.write(tick.label, {x_of(tick.at), bottom_ + 15.0},
                {.side = anchor::middle, .size = 9.0, .color = faint_text_color});
  sheet.end_group();
}

ROLEWISE_INLINE double quantization_panel::full_height() const
{
  auto counts = view_.bins;
  std::sort(counts.begin(), counts.end(), std::greater<>{});
  const auto first = static_cast<double>(counts[0]), second = static_cast<double>(counts[1]);
  return std::max(second > 0.0 && first > 2.0 * second ? 1.3 * second : 1.05 * first, 1.0);
}

ROLEWISE_INLINE void quantization_panel::draw_bars(svg& sheet) const
{
  const double full = full_height();
  const double step = (view_.high - view_.low) / static_cast<double>(view_.bins.size());
  const double bar_width = x_of(view_.low + step) - x_of(view_.low);
  std::vector<std::array<spot, 2>> bars;
  std::vector<double> cut;
  for (std::size_t i = 0; i < view_.bins.size(); ++i) {
    if (view_.bins[i] == 0) continue;
    const double share = static_cast<double>(view_.bins[i]) / full;
    const double x = x_of(view_.low + step * (static_cast<double>(i) + 0.5));
    const double rise = std::max(plot_height * std::min(share, 1.0), 0.5);
    bars.push_back({{{x, bottom_}, {x, bottom_ - rise}}});
    if (share > 1.0) cut.push_back(x);
  }
  sheet.lines(bars, {.color = bar_color, .width = bar_width - 0.4});
  for (const double x : cut)
    sheet.line({x - bar_width / 2.0 - 2.0, top_ + 10.0}, {x + bar_width / 2.0 + 2.0, top_ + 5.0},
               {.color = "#ffffff", .width = 2.5});
}

ROLEWISE_INLINE void quantization_panel::draw_levels(svg& sheet) const
{
  if (view_.levels.size() > most_lines) {
    sheet.line({x_of(view_.levels.front().at), bottom_ + 3.0},
               {x_of(view_.levels.back().at), bottom_ + 3.0}, {.color = unused_color});
    for (const auto& [at, count] : view_.levels)
      if (count > 0) sheet.line({x_of(at), bottom_ + 1.0}, {x_of(at), bottom_ + 5.0}, used_level);
    return;
  }
  std::int64_t most = 1;
  for (const auto& level : view_.levels) most = std::max(most, level.count);
  for (const auto& [at, count] : view_.levels)
    sheet.line({x_of(at), top_}, {x_of(at), bottom_}, count > 0 ? used_level : unused_level);
  for (const auto& [at, count] : view_.levels) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(most);
    sheet.dot({x_of(at), bottom_ - share * (plot_height - 4.0)}, level_dot_radius, level_color);
  }
}

}  // namespace rolewise::report::detail
