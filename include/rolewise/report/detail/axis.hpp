// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Chart axes: range, tick positions and the frame of a plot.

#include <rolewise/report/detail/svg.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::report::detail {

/// Range of the finite numbers that were included.
struct extent {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double x)
  {
    if (!std::isfinite(x)) return;
    low = std::min(low, x);
    high = std::max(high, x);
  }
};

struct tick {
  double at = 0.0;
  std::string label;
};

/// Text of a multiple of `step`, with as many digits as distinguish the multiples, in any locale.
[[nodiscard]] ROLEWISE_INLINE std::string tick_label(double x, double step);

/// An axis over an extent, with ticks at multiples of 1, 2 or 5 times a power of ten. It begins and
/// ends at ticks if `is_rounded`. An extent of one number is widened, an empty one becomes 0 to 1.
class axis {
 public:
  axis(extent over, bool is_rounded);

  /// Position of a number on the axis: 0 at its beginning, 1 at its end.
  [[nodiscard]] double share(double x) const { return (x - low_) / (high_ - low_); }
  [[nodiscard]] const std::vector<tick>& ticks() const { return ticks_; }

 private:
  static constexpr double tolerance = 1e-9;  // of a step
  static constexpr std::size_t most_ticks = 12;

  /// The step that gives about six ticks.
  [[nodiscard]] static double step_for(double span);

  double low_ = 0.0;
  double high_ = 1.0;
  std::vector<tick> ticks_;
};

/// The area of a plot between two axes, in pixels.
struct plot_frame {
  axis across, up;
  double left, top, right, bottom;

  [[nodiscard]] spot at(double x, double y) const
  {
    return {left + (right - left) * across.share(x), bottom - (bottom - top) * up.share(y)};
  }

  /// Draws title, axes, ticks, horizontal grid lines and labels.
  void draw(svg& sheet, std::string_view title, std::string_view x_label, std::string_view y_label,
            const std::vector<tick>& x_ticks) const;
};

}  // namespace rolewise::report::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/detail/implementation/axis.hpp>
#endif
