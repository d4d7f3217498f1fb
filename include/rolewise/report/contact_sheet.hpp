// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Contact sheets: several views of the same examples side by side in one picture.

#include <rolewise/core/batch.hpp>
#include <rolewise/report/detail/canvas.hpp>
#include <rolewise/report/detail/letters.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::report {

/// One row of a contact sheet: a title, such as `teacher`, and the view that is shown.
struct contact_sheet_row {
  std::string title;
  batch shown;
};

struct contact_sheet_options {
  std::int64_t scale = 2;     ///< pixels of the sheet per pixel of an image; at least 1
  std::int64_t columns = 16;  ///< samples side by side; the rest continues below; at least 1
  std::vector<std::string> class_names{};  ///< shown below the samples; empty: numbers
  std::string captions_title{};            ///< title of the classes, on their left; may be empty
};

namespace detail {

/// Images of a batch as `[N, C, H, W]` uint8 on the CPU; normalization is undone.
[[nodiscard]] inline torch::Tensor visible(const batch& shown)
{
  const auto images = shown.inputs.detach().cpu();
  if (images.scalar_type() == torch::kByte) return images;
  auto values = images.to(torch::kFloat32);
  const auto& [mean, deviation] = shown.normalization;
  if (!deviation.empty()) values = values * per_channel(deviation, values);
  if (!mean.empty()) values = values + per_channel(mean, values);
  return (values * 255.0).round().clamp(0.0, 255.0).to(torch::kByte);
}

inline void require_rows(const std::vector<contact_sheet_row>& rows)
{
  constexpr std::string_view who = "contact_sheet";
  if (rows.empty()) throw_invalid_argument(who, "has no rows");
  const auto& first = rows.front().shown;
  for (const auto& [title, shown] : rows) {
    if (!shown.inputs.defined() || shown.inputs.dim() != 4 || shown.inputs.numel() == 0)
      throw_invalid_argument(who, "row '", title, "' wants inputs [N, C, H, W], got ",
                             shown.inputs.defined() ? detail::classic_text(shown.inputs.sizes())
                                                    : "an undefined tensor");
    if (shown.inputs.size(1) != 1 && shown.inputs.size(1) != 3)
      throw_invalid_argument(who, "row '", title, "' wants 1 or 3 channels, got ",
                             shown.inputs.size(1));
    if (shown.inputs.size(0) != first.inputs.size(0))
      throw_invalid_argument(who, "row '", title, "' has ", shown.inputs.size(0), " samples, row '",
                             rows.front().title, "' has ", first.inputs.size(0));
    if (shown.ids.defined() && first.ids.defined() && !torch::equal(shown.ids, first.ids))
      throw_invalid_argument(who, "row '", title, "' shows other samples than row '",
                             rows.front().title, "'");
    for (const auto* values : {&shown.normalization.mean, &shown.normalization.std})
      if (!values->empty() && static_cast<std::int64_t>(values->size()) != shown.inputs.size(1))
        throw_invalid_argument(who, "row '", title, "' has a normalization of ", values->size(),
                               " channels, its inputs have ", shown.inputs.size(1));
  }
}

/// Captions of the samples: name or index of the (most likely) class.
[[nodiscard]] inline std::vector<std::string> captions_of(
    const batch& shown, const std::vector<std::string>& class_names)
{
  if (!shown.labels.defined()) return {};
  const auto hard = (shown.labels.dim() == 2 ? shown.labels.argmax(1) : shown.labels)
                        .to(torch::kLong)
                        .cpu()
                        .contiguous();
  std::vector<std::string> captions;
  for (std::int64_t n = 0; n < hard.numel(); ++n) {
    const auto label = hard.const_data_ptr<std::int64_t>()[n];
    const bool is_named = label >= 0 && label < static_cast<std::int64_t>(class_names.size());
    captions.push_back(is_named ? class_names[static_cast<std::size_t>(label)]
                                : std::to_string(label));
  }
  return captions;
}

}  // namespace detail

/// A picture with one row per view and one column per sample, such as the original, the teacher's
/// view and the student's view.
///
///     write_png("views.png", contact_sheet({{"sample", examples},
///                                           {"teacher", views.teacher},
///                                           {"student", views.student}}));
///
/// Titles are on the left, the classes of the first row's labels below the columns. Normalized
/// inputs are converted back to 0 .. 255 with the scaling of their batch and clamped. In titles
/// and names, characters outside ASCII are shown as boxes.
///
/// @return `[3, H, W]`, or `[1, H, W]` if every row is gray; uint8, on the CPU
/// @throws std::invalid_argument if there are no rows, or they differ in the number or the ids of
///         their samples, or inputs are not `[N, C, H, W]` with C of 1 or 3
[[nodiscard]] inline torch::Tensor contact_sheet(const std::vector<contact_sheet_row>& rows,
                                                 const contact_sheet_options& options = {})
{
  if (options.scale < 1 || options.columns < 1)
    throw_invalid_argument("contact_sheet", "want scale and columns of at least 1, got ",
                           options.scale, " and ", options.columns);
  detail::require_rows(rows);

  const auto& first = rows.front().shown;
  const auto samples = first.inputs.size(0), columns = std::min(options.columns, samples);
  const auto blocks = (samples + columns - 1) / columns;
  const auto captions = detail::captions_of(first, options.class_names);

  constexpr std::int64_t title_size = 2;
  const auto gap = 2 * options.scale, margin = 4 * options.scale;
  const auto title_line = detail::letter_height * title_size;
  std::int64_t channels = 1, cell = 0, titles = 0, block_height = 0;
  std::vector<std::int64_t> heights;
  for (const auto& [title, shown] : rows) {
    channels = std::max(channels, shown.inputs.size(1));
    cell = std::max(cell, shown.inputs.size(3) * options.scale);
    titles = std::max(titles, detail::text_width(title, title_size));
    heights.push_back(std::max(shown.inputs.size(2) * options.scale, title_line));
    block_height += heights.back() + gap;
  }
  const auto fits = [&](const std::string& c) { return detail::text_width(c, 2) <= cell; };
  const std::int64_t caption_size = std::all_of(captions.begin(), captions.end(), fits) ? 2 : 1;
  const auto caption_line = captions.empty() ? 0 : detail::letter_height * caption_size + gap;
  block_height += caption_line + margin;
  if (!captions.empty())
    titles = std::max(titles, detail::text_width(options.captions_title, caption_size));
  const auto left = margin + (titles > 0 ? titles + margin : 0);
  detail::canvas sheet{channels, margin + blocks * block_height,
                       left + columns * (cell + gap) - gap + margin};

  for (std::int64_t block = 0; block < blocks; ++block) {
    auto top = margin + block * block_height;
    const auto begin = block * columns, end = std::min(samples, begin + columns);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto images =
          detail::visible({.inputs = rows[r].shown.inputs.narrow(0, begin, end - begin),
                           .labels = {},
                           .ids = {},
                           .normalization = rows[r].shown.normalization});
      sheet.write(rows[r].title, top + (heights[r] - title_line) / 2, margin, title_size);
      for (auto n = begin; n < end; ++n)
        sheet.draw(images[n - begin], top, left + (n - begin) * (cell + gap), options.scale);
      top += heights[r] + gap;
    }
    if (!captions.empty()) sheet.write(options.captions_title, top, margin, caption_size);
    for (auto n = begin; n < end && !captions.empty(); ++n) {
      const auto caption = detail::shortened(captions[static_cast<std::size_t>(n)],
                                             cell + gap - caption_size, caption_size);
      const auto free = cell - detail::text_width(caption, caption_size);
      sheet.write(caption, top,
                  left + (n - begin) * (cell + gap) + std::max<std::int64_t>(0, free / 2),
                  caption_size);
    }
  }
  return sheet.pixels();
}

}  // namespace rolewise::report
