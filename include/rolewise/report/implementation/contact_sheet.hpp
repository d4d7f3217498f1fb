// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/contact_sheet.hpp>.

#include <rolewise/report/contact_sheet.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>

namespace rolewise::report::detail {

ROLEWISE_INLINE torch::Tensor visible(const batch& shown)
{
  const auto images = shown.inputs.detach().cpu();
  if (images.scalar_type() == torch::kByte) return images;
  auto values = images.to(torch::kFloat);
  const auto& [mean, deviation] = shown.normalization;
  if (!deviation.empty()) values = values * per_channel(deviation, values);
  if (!mean.empty()) values = values + per_channel(mean, values);
  return (values * 255.0).round().clamp(0.0, 255.0).to(torch::kByte);
}

ROLEWISE_INLINE void require_rows(const contact_sheet& sheet)
{
  constexpr std::string_view who = "contact_sheet";
  if (sheet.scale < 1 || sheet.columns < 1)
    throw_invalid_argument(who, "want scale and columns of at least 1, got ", sheet.scale, " and ",
                           sheet.columns);
  const auto& rows = sheet.rows;
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
    if (shown.ids.defined() && first.ids.defined() && !at::equal(shown.ids, first.ids))
      throw_invalid_argument(who, "row '", title, "' shows other samples than row '",
                             rows.front().title, "'");
    for (const auto* values : {&shown.normalization.mean, &shown.normalization.std})
      if (!values->empty() && static_cast<std::int64_t>(values->size()) != shown.inputs.size(1))
        throw_invalid_argument(who, "row '", title, "' has a normalization of ", values->size(),
                               " channels, its inputs have ", shown.inputs.size(1));
  }
}

ROLEWISE_INLINE std::vector<std::string> captions_of(const batch& shown,
                                                     const std::vector<std::string>& class_names)
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

ROLEWISE_INLINE contact_sheet_layout::contact_sheet_layout(const contact_sheet& sheet,
                                                           const std::vector<std::string>& captions)
    : gap{2.0 * static_cast<double>(sheet.scale)},
      columns{std::min(sheet.columns, sheet.rows.front().shown.inputs.size(0))}
{
  constexpr double title_line = 16.0;
  double titles = 0.0;
  for (const auto& [title, shown] : sheet.rows) {
    titles = std::max(titles, text_width(title));
    cell = std::max(cell, static_cast<double>(shown.inputs.size(3) * sheet.scale));
    rows.push_back(block_height);
    heights.push_back(
        std::max(static_cast<double>(shown.inputs.size(2) * sheet.scale), title_line));
    block_height += heights.back() + gap;
  }
  if (!captions.empty()) {
    for (const auto& caption : captions)
      if (text_width(caption, 11.0) > cell) caption_size = 9.0;
    titles = std::max(titles, text_width(sheet.captions_title, caption_size));
    block_height += caption_size + 3.0;
  }
  block_height += margin;
  if (titles > 0.0) left += std::ceil(titles) + 8.0;
}

ROLEWISE_INLINE spot contact_sheet_layout::of(std::int64_t sample) const
{
  return {left + static_cast<double>(sample % columns) * (cell + gap),
          margin + static_cast<double>(sample / columns) * block_height};
}

}  // namespace rolewise::report::detail

namespace rolewise::report {

ROLEWISE_INLINE std::string svg_text(const contact_sheet& sheet)
{
  detail::require_rows(sheet);
  const auto captions = detail::captions_of(sheet.rows.front().shown, sheet.class_names);
  const detail::contact_sheet_layout at{sheet, captions};
  const auto samples = sheet.rows.front().shown.inputs.size(0);
  detail::svg drawn{at.of(at.columns - 1).x + at.cell + at.margin,
                    at.of(samples - 1).y + at.block_height};
  const auto beside = [&](std::int64_t sample, double down, const std::string& title, double size) {
    if (sample % at.columns == 0)
      drawn.write(title, {at.left - 8.0, at.of(sample).y + down},
                  {.side = detail::anchor::end, .size = size});
  };
  for (std::size_t r = 0; r < sheet.rows.size(); ++r) {
    const auto& [title, shown] = sheet.rows[r];
    const auto images = detail::visible(shown);
    const auto width = static_cast<double>(images.size(3) * sheet.scale);
    const auto height = static_cast<double>(images.size(2) * sheet.scale);
    for (std::int64_t n = 0; n < samples; ++n) {
      beside(n, at.rows[r] + at.heights[r] / 2.0 + 4.0, title, 12.0);
      drawn.image(png_bytes(images[n]), {at.of(n).x, at.of(n).y + at.rows[r], width, height});
    }
  }
  const double down = at.rows.back() + at.heights.back() + at.gap / 2.0 + at.caption_size;
  for (std::int64_t n = 0; n < samples && !captions.empty(); ++n) {
    beside(n, down, sheet.captions_title, at.caption_size);
    drawn.write(detail::text_within(captions[static_cast<std::size_t>(n)], at.cell + at.gap,
                                    at.caption_size),
                {at.of(n).x + at.cell / 2.0, at.of(n).y + down},
                {.side = detail::anchor::middle, .size = at.caption_size});
  }
  return drawn.finished();
}

}  // namespace rolewise::report
