// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Forest plots: estimates with their confidence intervals, a row each (SVG).

#include <rolewise/report/detail/axis.hpp>
#include <rolewise/report/detail/svg.hpp>
#include <rolewise/report/write_svg.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::report {

/// One estimate and its confidence interval.
struct interval_row {
  std::string name;
  double mean = 0.0;
  double low = 0.0;   ///< at most `mean`
  double high = 0.0;  ///< at least `mean`

  friend bool operator==(const interval_row&, const interval_row&) = default;
};

/// A forest plot: estimates over a common axis, from top to bottom, with a line at zero.
struct interval_chart {
  std::string title{};
  std::string x_label{};
  std::vector<interval_row> rows{};
  std::int64_t width = 760;  ///< pixels; at least 300. A row is 22 pixels high
};

namespace detail {

ROLEWISE_INLINE void require_rows(const interval_chart& chart);

}  // namespace detail

/// A forest plot as the text of an SVG picture. Intervals that exclude zero are drawn in color,
/// others in gray. Names that need more than 0.6 of the width are truncated.
/// @par Determinism
/// The same chart gives the same bytes, whatever the locale.
/// @throws std::invalid_argument for a chart without rows, or a row whose numbers are out of order
[[nodiscard]] ROLEWISE_INLINE std::string svg_text(const interval_chart& chart);

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/interval_chart.hpp>
#endif
