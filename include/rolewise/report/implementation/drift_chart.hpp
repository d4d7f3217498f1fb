// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/drift_chart.hpp>.

#include <rolewise/report/drift_chart.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>

namespace rolewise::report {

ROLEWISE_INLINE line_chart drift_chart(const range_history& history, std::string_view containing)
{
  line_chart chart{.title = "Ranges of the quantizers",
                   .x_label = "epoch",
                   .y_label = "relative to the first value"};
  for (std::size_t i = 0; i < history.names.size(); ++i) {
    auto name = history.names[i];
    const double first = history.first_of(i);
    if (name.find(containing) == name.npos || !std::isfinite(first)) continue;
    constexpr std::string_view part = ".quantizer.";
    if (const auto at = name.find(part); at != name.npos) name.replace(at, part.size(), " ");
    curve drawn{.name = std::move(name), .x = history.epochs, .y = {}};
    bool has_band = false;
    for (const auto& row : history.rows) {
      const double one_end = row[i].least / first, other_end = row[i].greatest / first;
      const double least = std::min(one_end, other_end), greatest = std::max(one_end, other_end);
      drawn.y.push_back(row[i].mean / first);
      drawn.low.push_back(least);
      drawn.high.push_back(greatest);
      has_band = has_band || least < greatest;
    }
    if (!has_band) drawn.low = drawn.high = {};
    chart.curves.push_back(std::move(drawn));
  }
  if (chart.curves.empty())
    throw_invalid_argument("drift_chart", "of ", history.names.size(), " ranges at ",
                           history.rows.size(), " epochs none with '", containing,
                           "' in its name begins at another value than 0");
  constexpr std::int64_t line = 20, rest = 110;  // of the legend; title and axis
  chart.height =
      std::max(chart.height, rest + line * static_cast<std::int64_t>(chart.curves.size()));
  return chart;
}

}  // namespace rolewise::report
