// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Histogram of the values of one quantized tensor with its levels, as SVG.

#include <rolewise/report/detail/axis.hpp>
#include <rolewise/report/detail/svg.hpp>
#include <rolewise/report/quantization_view.hpp>
#include <rolewise/report/table.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::report::detail {

inline constexpr std::string_view bar_color = "#a6d0ea";
inline constexpr std::string_view level_color = "#D55E00";
inline constexpr std::string_view unused_color = "#8a8a8a";

inline constexpr stroke used_level{.color = level_color};
inline constexpr stroke unused_level{.color = unused_color, .dashes = "2 3"};
inline constexpr double level_dot_radius = 2.4;

/// `2 bits · 4/4 levels · clipped 0.31 % · error 11.9 %`, then zeros, step unit and gain if they
/// apply.
[[nodiscard]] ROLEWISE_INLINE std::string caption_of(const quantization_view& view,
                                                     bool shows_zeros);

/// Draws a view: a caption, histogram bars with a line at each level, and an axis.
class quantization_panel {
 public:
  static constexpr double caption_height = 18.0;
  static constexpr double plot_height = 58.0;
  static constexpr double axis_height = 18.0;
  static constexpr double height = caption_height + plot_height + axis_height;

  quantization_panel(const quantization_view& view, double left, double top, double width)
      : view_{view},
        axis_{{view.low, view.high}, false},
        left_{left},
        width_{width},
        top_{top + caption_height},
        bottom_{top_ + plot_height}
  {}

  void draw(svg& sheet, bool shows_zeros) const;

 private:
  static constexpr double margin = 0.02;         // of the width; keeps the end levels off the edges
  static constexpr std::size_t most_lines = 36;  // more levels are ticks below the axis

  [[nodiscard]] double x_of(double value) const
  {
    return left_ + width_ * (margin + (1.0 - 2.0 * margin) * axis_.share(value));
  }

  /// Count that fills the height of the plot. The highest bar may be cut off, so that the many
  /// zeros after a ReLU do not flatten the others.
  [[nodiscard]] double full_height() const;

  /// Each bar is a line slightly narrower than its interval.
  void draw_bars(svg& sheet) const;

  /// A line at each level, with a dot at the height of its count relative to the greatest count.
  void draw_levels(svg& sheet) const;

  const quantization_view& view_;
  axis axis_;
  double left_, width_, top_, bottom_;
};

}  // namespace rolewise::report::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/detail/implementation/quantization_panel.hpp>
#endif
