// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/quantization_pictures.hpp>.

#include <rolewise/report/quantization_pictures.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>
#include <optional>

namespace rolewise::report::detail {

ROLEWISE_INLINE quantization_page::quantization_page(const network_quantization& report)
{
  double labels = 110.0;
  for (const auto& layer : report.layers) labels = std::max(labels, text_width(layer.place.name));
  weights = margin + std::ceil(labels) + 14.0;
  activations = weights + panel_width + gap;
  width = activations + panel_width + margin;
  height = head + row_height * static_cast<double>(report.layers.size()) + foot;
}

ROLEWISE_INLINE void draw_head(svg& sheet, const network_quantization& report,
                               const quantization_page& page)
{
  sheet.write(report.network, {page.margin, 26.0}, title_lettering);
  double x = page.weights;
  const auto explain = [&](std::string_view meaning) {
    constexpr double size = 11.0;
    sheet.write(meaning, {x + 18.0, 26.0}, {.size = size});
    x += 40.0 + text_width(meaning, size);
  };
  sheet.fill({x, 16.0, 12.0, 11.0}, bar_color);
  explain("values before");
  sheet.line({x + 6.0, 15.0}, {x + 6.0, 28.0}, used_level);
  explain("level in use");
  sheet.dot({x + 6.0, 22.0}, level_dot_radius, level_color);
  explain("its share of the values, next to the greatest");
  sheet.line({x + 6.0, 15.0}, {x + 6.0, 28.0}, unused_level);
  explain("unused level");
  constexpr lettering heading{.size = 13.0, .is_bold = true};
  sheet.write("weights", {page.weights, 58.0}, heading);
  sheet.write("activations that enter the layer", {page.activations, 58.0}, heading);
}

ROLEWISE_INLINE void draw_row(svg& sheet, const layer_quantization& layer,
                              const quantization_page& page, double top)
{
  constexpr lettering small{.size = 11.0, .color = faint_text_color};
  sheet.write(layer.place.name, {page.margin, top + 32.0});
  sheet.write(name(layer.place.kind), {page.margin, top + 48.0}, small);
  const auto half = [&](const std::optional<quantization_view>& view, bit_width bits, double left,
                        bool are_activations) {
    if (view)
      quantization_panel{*view, left, top, page.panel_width}.draw(sheet, are_activations);
    else
      sheet.write(bits.is_full() ? "full precision" : "not quantized", {left, top + 12.0}, small);
  };
  half(layer.weights, layer.widths.weights, page.weights, false);
  half(layer.activations, layer.widths.activations, page.activations, true);
  if (layer.shares_with.empty()) return;
  sheet.write("reads what enters", {page.margin, top + 64.0}, small);
  sheet.write(layer.shares_with, {page.margin, top + 78.0}, small);
}

}  // namespace rolewise::report::detail

namespace rolewise::report {

ROLEWISE_INLINE std::string svg_text(const network_quantization& report)
{
  if (report.layers.empty())
    throw_invalid_argument("quantization_pictures", "the report has no layers");
  const detail::quantization_page page{report};
  detail::svg sheet{page.width, page.height};
  detail::draw_head(sheet, report, page);
  double top = page.head;
  for (const auto& layer : report.layers) {
    detail::draw_row(sheet, layer, page, top);
    top += page.row_height;
  }
  sheet.write(
      "clipped: beyond the outermost level by more than half a step; error: mean square, relative "
      "to the variance; a bar with a cut is higher",
      {page.weights, page.height - 12.0}, {.size = 10.0, .color = detail::faint_text_color});
  return sheet.finished();
}

}  // namespace rolewise::report
