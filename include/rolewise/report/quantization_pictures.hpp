// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Quantization report as a picture (SVG): histograms of weights and activations with their
/// levels.

#include <rolewise/report/detail/quantization_panel.hpp>
#include <rolewise/report/quantization_report.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>

#include <algorithm>
#include <optional>
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

  explicit quantization_page(const network_quantization& report)
  {
    constexpr double letter = 6.9, least = 110.0;
    double labels = least;
    for (const auto& layer : report.layers)
      labels = std::max(labels, letter * static_cast<double>(layer.place.name.size()));
    weights = margin + labels + 14.0;
    activations = weights + panel_width + gap;
    width = activations + panel_width + margin;
    height = head + row_height * static_cast<double>(report.layers.size()) + foot;
  }
};

[[nodiscard]] inline std::string head_of(const network_quantization& report,
                                         const quantization_page& page)
{
  std::string out = svg_words(page.margin, 26, "font-size=\"15\"", report.network);
  double x = page.weights;
  const auto words = [&](std::string_view text) {
    out += svg_words(x + 18, 26, "font-size=\"11\"", text);
    x += 40.0 + 5.6 * static_cast<double>(text.size());
  };
  out +=
      detail::classic_text("<rect x=\"", pixels_text(x),
                           "\" y=\"16\" width=\"12\" height=\"11\" fill=\"", bar_color, "\"/>\n");
  words("values before");
  out += svg_line(x + 6, 15, x + 6, 28, in_use());
  words("level in use");
  out += svg_dot(x + 6, 22);
  words("its share of the values, next to the greatest");
  out += svg_line(x + 6, 15, x + 6, 28, unused());
  words("unused level");
  out += svg_words(page.weights, 58, "font-size=\"13\" font-weight=\"bold\"", "weights");
  return out + svg_words(page.activations, 58, "font-size=\"13\" font-weight=\"bold\"",
                         "activations that enter the layer");
}

[[nodiscard]] inline std::string row_of(const layer_quantization& layer,
                                        const quantization_page& page, double top)
{
  constexpr std::string_view small = "font-size=\"11\" fill=\"#777777\"";
  auto out = svg_words(page.margin, top + 32, "", layer.place.name) +
             svg_words(page.margin, top + 48, small, name(layer.place.kind));
  const auto half = [&](const std::optional<quantization_view>& view, bit_width bits, double left,
                        bool are_activations) {
    if (view)
      out += quantization_panel{*view, left, top, quantization_page::panel_width}.text(
          are_activations);
    else
      out += svg_words(left, top + 12, small, bits.is_full() ? "full precision" : "not quantized");
  };
  half(layer.weights, layer.widths.weights, page.weights, false);
  half(layer.activations, layer.widths.activations, page.activations, true);
  if (!layer.shares_with.empty())
    out += svg_words(page.margin, top + 64, small, "reads what enters") +
           svg_words(page.margin, top + 78, small, layer.shares_with);
  return out;
}

}  // namespace detail

/// A report as the text of an SVG picture: a row for each layer, weights on the left, activations
/// on the right. Each is a histogram of the values before quantization with a line at each level
/// (more than 36 levels are ticks below), a dot on it for its number of values, and the numbers of
/// `quantization_table` above. A bar that is more than twice as high as the next is cut off.
/// @par Determinism
/// The same report gives the same bytes, whatever the locale.
/// @throws std::invalid_argument for a report without layers
[[nodiscard]] inline std::string svg_text(const network_quantization& report)
{
  if (report.layers.empty())
    throw_invalid_argument("quantization_pictures", "the report has no layers");
  const detail::quantization_page page{report};
  const auto width = fixed_text(page.width, 0), height = fixed_text(page.height, 0);
  std::string out = detail::classic_text(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", width, "\" height=\"", height,
      "\" viewBox=\"0 0 ", width, " ", height,
      "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#333333\">\n",
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
  out += detail::head_of(report, page);
  double top = page.head;
  for (const auto& layer : report.layers) {
    out += detail::row_of(layer, page, top);
    top += page.row_height;
  }
  out += detail::svg_words(
      page.weights, page.height - 12, "font-size=\"10\" fill=\"#777777\"",
      "clipped: beyond the outermost level by more than half a step; error: mean square, relative "
      "to the variance; a bar with a cut is higher");
  return out + "</svg>\n";
}

/// Writes a report to a file as a picture; an existing file is replaced atomically.
/// @throws std::invalid_argument as `svg_text` does
/// @throws std::runtime_error if the file cannot be written
inline void write_svg(const std::string& path, const network_quantization& report)
{
  support::write_file_atomically(path, svg_text(report));
}

}  // namespace rolewise::report
