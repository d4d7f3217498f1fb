// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Contact sheets: several views of the same examples side by side in one picture (SVG).

#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/report/detail/svg.hpp>
#include <rolewise/report/png.hpp>
#include <rolewise/report/write_svg.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::report {

/// One row of a contact sheet: a title, such as `teacher`, and the view that is shown.
struct contact_sheet_row {
  std::string title;
  batch shown;
};

/// A picture with one row per view and one column per sample, such as the original, the teacher's
/// view and the student's view:
///
///     write_svg("views.svg", contact_sheet{.rows = {{"sample", examples},
///                                                   {"teacher", views.teacher},
///                                                   {"student", views.student}}});
struct contact_sheet {
  std::vector<contact_sheet_row> rows{};
  std::int64_t scale = 2;     ///< pixels of the sheet per pixel of an image; at least 1
  std::int64_t columns = 16;  ///< samples side by side; the rest continues below; at least 1
  std::vector<std::string> class_names{};  ///< shown below the samples; empty: numbers
  std::string captions_title{};            ///< title of the classes, on their left; may be empty
};

namespace detail {

/// Images of a batch as `[N, C, H, W]` uint8 on the CPU; normalization is undone.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor visible(const batch& shown);

ROLEWISE_INLINE void require_rows(const contact_sheet& sheet);

/// Captions of the samples: name or index of the (most likely) class.
[[nodiscard]] ROLEWISE_INLINE std::vector<std::string> captions_of(
    const batch& shown, const std::vector<std::string>& class_names);

/// Layout of a contact sheet in pixels: titles on the left, captions below the samples.
struct contact_sheet_layout {
  static constexpr double margin = 14.0;
  double gap, cell = 0.0, caption_size = 11.0, left = margin, block_height = 0.0;
  std::vector<double> rows{}, heights{};  ///< where rows begin in a block; their heights
  std::int64_t columns;

  contact_sheet_layout(const contact_sheet& sheet, const std::vector<std::string>& captions);

  /// Upper left corner of a sample in the first row of its block.
  [[nodiscard]] spot of(std::int64_t sample) const;
};

}  // namespace detail

/// A contact sheet as the text of an SVG picture, which holds the images as PNG, lossless.
///
/// Titles are on the left, the classes of the first row's labels below the columns, truncated where
/// they are wider than a column. Normalized inputs are converted back to 0 .. 255 with the scaling
/// of their batch and clamped.
/// @par Determinism
/// The same sheet gives the same bytes, whatever the locale.
/// @throws std::invalid_argument if there are no rows, or they differ in the number or the ids of
///         their samples, or inputs are not `[N, C, H, W]` with C of 1 or 3, or for a scale or
///         columns below 1
[[nodiscard]] ROLEWISE_INLINE std::string svg_text(const contact_sheet& sheet);

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/contact_sheet.hpp>
#endif
