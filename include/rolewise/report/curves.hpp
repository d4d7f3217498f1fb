// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Line charts of runs (SVG).

#include <rolewise/report/detail/axis.hpp>
#include <rolewise/report/detail/svg.hpp>
#include <rolewise/report/statistics.hpp>
#include <rolewise/report/write_svg.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::report {

/// One line of a chart, with a band around it if it has one.
struct curve {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;       ///< as many; non-finite values leave a gap
  std::vector<double> low{};   ///< lower edge of the band: as many, or none
  std::vector<double> high{};  ///< upper edge
};

/// A line chart: curves over common axes.
struct line_chart {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<curve> curves{};
  std::int64_t width = 760;   ///< pixels; at least 200
  std::int64_t height = 440;  ///< pixels; at least 150
};

/// Several runs as one curve: their mean, in a band from the least to the greatest value.
/// @param runs one series per seed, all of one length; x is 0, 1, ... plus `first_x`
/// @throws std::invalid_argument if there are none or they differ in length
[[nodiscard]] ROLEWISE_INLINE curve curve_over_runs(std::string name,
                                                    const std::vector<std::vector<double>>& runs,
                                                    double first_x = 0.0);

namespace detail {

ROLEWISE_INLINE void require_curves(const line_chart& chart);

/// Calls `f(begin, end)` for each part [begin, end) of a series without gaps.
template<typename IsThere, typename F>
void for_each_stretch(std::size_t size, IsThere&& is_there, F&& f)
{
  for (std::size_t begin = 0; begin < size; ++begin) {
    auto end = begin;
    while (end < size && is_there(end)) ++end;
    if (end > begin) f(begin, end);
    begin = end;
  }
}

/// After seven curves, colors repeat with other dashes.
[[nodiscard]] ROLEWISE_INLINE stroke stroke_of(std::size_t curve_number);

ROLEWISE_INLINE void draw_band(svg& sheet, const plot_frame& frame, const curve& c,
                               const stroke& with);

ROLEWISE_INLINE void draw_curve(svg& sheet, const plot_frame& frame, const curve& c,
                                const stroke& with);

/// The plot of a chart beside a legend of this width.
[[nodiscard]] ROLEWISE_INLINE plot_frame frame_of(const line_chart& chart, double legend);

}  // namespace detail

/// A line chart as the text of an SVG picture.
///
/// Ticks are at multiples of 1, 2 or 5 times a power of ten. The legend is on the right, in the
/// order of the curves; names that need more than 0.4 of the width are truncated.
/// @par Determinism
/// The same chart gives the same bytes, whatever the locale.
/// @throws std::invalid_argument for a chart without curves, or a curve whose parts differ in
///         length or whose x are not finite
[[nodiscard]] ROLEWISE_INLINE std::string svg_text(const line_chart& chart);

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/curves.hpp>
#endif
