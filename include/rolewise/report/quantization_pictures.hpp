// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Quantization report as a picture (SVG): histograms of weights and activations with their
/// levels.

#include <rolewise/report/detail/quantization_panel.hpp>
#include <rolewise/report/detail/svg.hpp>
#include <rolewise/report/quantization_report.hpp>
#include <rolewise/report/write_svg.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <string>
#include <string_view>

namespace rolewise::report {

namespace detail {

/// Layout of the page, in pixels.
struct quantization_page {
  static constexpr double margin = 18.0;
  static constexpr double panel_width = 364.0;
  static constexpr double gap = 30.0;
  static constexpr double row_height = quantization_panel::height + 12.0;
  static constexpr double head = 74.0;
  static constexpr double foot = 26.0;

  double weights, activations, width, height;

  explicit quantization_page(const network_quantization& report);
};

ROLEWISE_INLINE void draw_head(svg& sheet, const network_quantization& report,
                               const quantization_page& page);

ROLEWISE_INLINE void draw_row(svg& sheet, const layer_quantization& layer,
                              const quantization_page& page, double top);

}  // namespace detail

/// A report as the text of an SVG picture: a row for each layer, weights on the left, activations
/// on the right. Each is a histogram of the values before quantization with a line at each level
/// (more than 36 levels are ticks below), a dot on it for its number of values, and the numbers of
/// `quantization_table` above. A bar that is more than twice as high as the next is cut off.
/// @par Determinism
/// The same report gives the same bytes, whatever the locale.
/// @throws std::invalid_argument for a report without layers
[[nodiscard]] ROLEWISE_INLINE std::string svg_text(const network_quantization& report);

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/quantization_pictures.hpp>
#endif
