// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/detail/axis.hpp>.

#include <rolewise/report/detail/axis.hpp>

#include <array>
#include <charconv>

namespace rolewise::report::detail {

ROLEWISE_INLINE std::string tick_label(double x, double step)
{
  std::array<char, 32> text{};
  auto* const begin = text.data();
  auto* const end = begin + text.size();
  const int digits = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
  const bool is_plain = digits <= 6 && std::abs(x) < 1e7;
  const auto written = is_plain ? std::to_chars(begin, end, x, std::chars_format::fixed, digits)
                                : std::to_chars(begin, end, x, std::chars_format::general, 6);
  return {begin, written.ptr};
}

ROLEWISE_INLINE axis::axis(extent over, bool is_rounded)
{
  if (over.low > over.high) over = {0.0, 1.0};
  if (over.low == over.high) {
    const double room = over.low == 0.0 ? 0.5 : 0.1 * std::abs(over.low);
    over = {over.low - room, over.high + room};
  }
  const double step = step_for(over.high - over.low);
  auto first = std::ceil(over.low / step - tolerance);
  auto last = std::floor(over.high / step + tolerance);
  if (is_rounded) {
    first = std::floor(over.low / step + tolerance);
    last = std::ceil(over.high / step - tolerance);
    over = {first * step, last * step};
  }
  low_ = over.low;
  high_ = over.high;
  for (double k = first; k <= last && ticks_.size() < most_ticks; k += 1.0) {
    const double at = k == 0.0 ? 0.0 : k * step;
    ticks_.push_back({at, tick_label(at, step)});
  }
}

ROLEWISE_INLINE double axis::step_for(double span)
{
  const double rough = span / 6.0;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double times : {1.0, 2.0, 5.0})
    if (rough <= times * power * (1.0 + tolerance)) return times * power;
  return 10.0 * power;
}

ROLEWISE_INLINE void plot_frame::draw(svg& sheet, std::string_view title, std::string_view x_label,
                                      std::string_view y_label,
                                      const std::vector<tick>& x_ticks) const
{
  sheet.write(title, {left, 25.0}, title_lettering);
  for (const auto& tick : up.ticks()) {
    const double y = at(0.0, tick.at).y;
    sheet.line({left, y}, {right, y}, {.color = grid_color});
    sheet.write(tick.label, {left - 6.0, y + 4.0}, {.side = anchor::end});
  }
  for (const auto& tick : x_ticks) {
    const double x = at(tick.at, 0.0).x;
    sheet.line({x, bottom}, {x, bottom + 5.0}, {});
    sheet.write(tick.label, {x, bottom + 19.0}, {.side = anchor::middle});
  }
  sheet.line({left, bottom}, {right, bottom}, {});
  sheet.line({left, top}, {left, bottom}, {});
  sheet.write(x_label, {(left + right) / 2.0, bottom + 38.0}, {.side = anchor::middle});
  sheet.write(y_label, {18.0, (top + bottom) / 2.0},
              {.side = anchor::middle, .reads_upwards = true});
}

}  // namespace rolewise::report::detail
