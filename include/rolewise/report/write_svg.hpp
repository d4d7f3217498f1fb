// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Writes charts, heat maps and contact sheets as SVG files.

#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>

#include <concepts>
#include <string>

namespace rolewise::report {

namespace write_svg_must {

template<typename Picture>
concept be_given_a_picture = requires(const Picture& picture) {
  { svg_text(picture) } -> std::same_as<std::string>;
};

}  // namespace write_svg_must

/// Writes a picture to a file as SVG; an existing file is replaced atomically.
/// @param path not a name that ends in `.png`: a viewer would take the file for damaged
/// @param picture such as a `line_chart`, a `heat_map` or a `contact_sheet`
/// @throws std::invalid_argument for such a name, and as `svg_text` of the picture does
/// @throws std::runtime_error if the file cannot be written
template<typename Picture>
void write_svg(const std::string& path, const Picture& picture)
{
  static_assert(write_svg_must::be_given_a_picture<Picture>,
                "write_svg wants a picture that has an svg_text: a line_chart, interval_chart, "
                "heat_map, contact_sheet or network_quantization; write_png takes images");
  if (path.ends_with(".png"))
    throw_invalid_argument("write_svg", "'", path,
                           "' is the name of a PNG and the picture an SVG; want a name such as '",
                           path.substr(0, path.size() - 4), ".svg'");
  if constexpr (write_svg_must::be_given_a_picture<Picture>)
    support::write_file_atomically(path, svg_text(picture));
}

}  // namespace rolewise::report
