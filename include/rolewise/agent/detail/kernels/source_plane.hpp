// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `source_plane`: where the pixels of a view come from, for maps that move with an image.

#include <rolewise/agent/detail/kernels/canvas.hpp>
#include <rolewise/agent/detail/kernels/kernel_set.hpp>
#include <rolewise/agent/detail/kernels/resize_table.hpp>
#include <rolewise/agent/detail/kernels/warp.hpp>
#include <rolewise/agent/image_layers.hpp>
#include <rolewise/agent/warp.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace rolewise::detail::kernels {

/// The source of each pixel of one view: 1 + its row-major index in the original image, or 0 in a
/// hole. While rows and columns are moved apart from each other (flips, crops, translations,
/// resizes), it consists of a table for each. Memory is reused from image to image.
class source_plane {
 public:
  explicit source_plane(const kernel_set& passes) : passes_{&passes} {}

  /// Begins with an image as it is. @pre it has at most 2^28 pixels
  void start(std::int64_t height, std::int64_t width)
  {
    height_ = height;
    width_ = original_width_ = width;
    is_separable_ = true;
    count_up(rows_, height);
    count_up(columns_, width);
  }

  [[nodiscard]] std::int64_t height() const noexcept { return height_; }
  [[nodiscard]] std::int64_t width() const noexcept { return width_; }

  /// Makes an image of another size, or the same, whose pixel (x, y) comes from column
  /// `column_of(x)` and row `row_of(y)`; what comes from outside is a hole.
  template<typename ColumnOf, typename RowOf>
  void move(std::int64_t height, std::int64_t width, ColumnOf&& column_of, RowOf&& row_of)
  {
    if (is_separable_) {
      look_up_axis(columns_, width, column_of);
      look_up_axis(rows_, height, row_of);
    } else {
      count_up(columns_, width_);
      look_up_axis(columns_, width, column_of);
      next_.resize(room_for(height, width));
      for (std::int64_t y = 0; y < height; ++y)
        copy_row(row_of(y), width, next_.data() + y * width);
      std::swap(now_, next_);
    }
    height_ = height;
    width_ = width;
  }

  /// Makes each pixel from the source pixel that covers `(column, row)`, in 2^-32 pixels. @pre
  /// every source position lies within +- 2^30 pixels
  void gather(const warp::line& column, const warp::line& row)
  {
    if (column.by_y == 0 && row.by_x == 0)
      return move(
          height_, width_, [&](std::int64_t x) { return (column.start + x * column.by_x) >> 32; },
          [&](std::int64_t y) { return (row.start + y * row.by_y) >> 32; });
    pad();
    next_.resize(room_for(height_, width_));
    const auto length = static_cast<std::int32_t>(width_);
    for (std::int64_t y = 0; y < height_; ++y) {
      const warp_piece piece{{column.start + y * column.by_y, column.by_x, column.by_y},
                             {row.start + y * row.by_y, row.by_x, row.by_y},
                             length,
                             1,
                             static_cast<std::int32_t>(height_),
                             length};
      auto* const places = next_.data() + y * width_;
      passes_->warp_places(piece, places, nullptr);
      kernels::look_up(padded_.data(), static_cast<std::size_t>(width_), places);
    }
    std::swap(now_, next_);
  }

  /// Likewise in 2^-16 pixels, with any source positions.
  void gather(const fixed_line& column, const fixed_line& row)
  {
    const auto finer = [](const fixed_line& line) -> warp::line {
      return {line.start << 16, line.by_x << 16, line.by_y << 16};
    };
    if (is_near(column) && is_near(row)) return gather(finer(column), finer(row));
    pad();
    next_.resize(room_for(height_, width_));
    auto* out = next_.data();
    for (std::int64_t y = 0; y < height_; ++y)
      for (std::int64_t x = 0; x < width_; ++x) {
        const auto at_x = (column.start + x * column.by_x + y * column.by_y) >> 16;
        const auto at_y = (row.start + x * row.by_x + y * row.by_y) >> 16;
        *out++ = is_inside(at_x, width_) && is_inside(at_y, height_)
                     ? padded_[static_cast<std::size_t>((at_y + 2) * (width_ + 2) + at_x + 2)]
                     : 0;
      }
    std::swap(now_, next_);
  }

  /// Resizes a box to a new size with the nearest pixels, whatever the filter of `to` is.
  void resize(const image_box& box, const image_size& to)
  {
    column_table_.make(box.left, box.right, width_, to.width, resampling::nearest);
    row_table_.make(box.top, box.bottom, height_, to.height, resampling::nearest);
    move(
        to.height, to.width, [&](std::int64_t x) { return std::int64_t{column_table_.first()[x]}; },
        [&](std::int64_t y) { return std::int64_t{row_table_.first()[y]}; });
  }

  /// Moves a plane of the original image: `to[i]` is the value at the source of pixel i, or `hole`.
  template<typename T>
  void apply(const T* from, T hole, T* to) const
  {
    if (!is_separable_) {
      const auto count = static_cast<std::size_t>(height_ * width_);
      for (std::size_t i = 0; i < count; ++i) to[i] = now_[i] == 0 ? hole : from[now_[i] - 1];
      return;
    }
    const auto width = static_cast<std::size_t>(width_);
    const auto run = run_of_columns();
    for (const auto row : rows_) {
      if (row == 0) {
        std::fill_n(to, width, hole);
      } else {
        const T* const source = from + std::int64_t{row - 1} * original_width_;
        if (run.is_all) {
          std::fill_n(to, run.begin, hole);
          if (run.end > run.begin)
            std::memcpy(to + run.begin, source + columns_[run.begin] - 1,
                        (run.end - run.begin) * sizeof(T));
          std::fill_n(to + run.end, width - run.end, hole);
        } else {
          for (std::size_t x = 0; x < width; ++x)
            to[x] = columns_[x] == 0 ? hole : source[columns_[x] - 1];
        }
      }
      to += width;
    }
  }

 private:
  using table = std::vector<std::uint32_t>;

  /// The columns `begin .. end - 1` with a source; whether these are adjacent columns in order.
  struct column_run {
    std::size_t begin, end;
    bool is_all;
  };

  [[nodiscard]] static bool is_inside(std::int64_t at, std::int64_t size) noexcept
  {
    return at >= 0 && at < size;
  }

  [[nodiscard]] static std::size_t room_for(std::int64_t height, std::int64_t width)
  {
    return static_cast<std::size_t>(height * width) + guard;
  }

  static void count_up(table& axis, std::int64_t size)
  {
    axis.resize(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < axis.size(); ++i) axis[i] = static_cast<std::uint32_t>(i + 1);
  }

  template<typename At>
  void look_up_axis(table& axis, std::int64_t size, At&& at)
  {
    const auto old_size = static_cast<std::int64_t>(axis.size());
    other_.resize(static_cast<std::size_t>(size));
    for (std::int64_t i = 0; i < size; ++i) {
      const std::int64_t from = at(i);
      other_[static_cast<std::size_t>(i)] =
          is_inside(from, old_size) ? axis[static_cast<std::size_t>(from)] : 0;
    }
    std::swap(axis, other_);
  }

  /// Writes a row of `width` pixels from an old row; `columns_` has 1 + the old column of each.
  void copy_row(std::int64_t from, std::int64_t width, std::uint32_t* out) const
  {
    const bool is_there = is_inside(from, height_);
    const auto* const row = now_.data() + (is_there ? from * width_ : 0);
    for (std::int64_t x = 0; x < width; ++x) {
      const auto column = is_there ? columns_[static_cast<std::size_t>(x)] : 0;
      out[x] = column == 0 ? 0 : row[column - 1];
    }
  }

  /// Makes `padded_`, with two rows and columns of holes around as in `pack_padded`; the plane is
  /// no longer separable.
  void pad()
  {
    const auto width = static_cast<std::size_t>(width_), stride = width + 2;
    padded_.resize(static_cast<std::size_t>(height_ + 4) * stride + guard);
    auto* out = padded_.data();
    std::fill_n(out, 2 * stride + 2, 0U);
    out += 2 * stride + 2;
    for (std::int64_t y = 0; y < height_; ++y, out += stride) {
      if (is_separable_)
        write_row(rows_[static_cast<std::size_t>(y)], out);
      else
        std::memcpy(out, now_.data() + y * width_, width * sizeof *out);
      out[width] = out[width + 1] = 0;
    }
    std::fill_n(out, 2 * stride, 0U);
    is_separable_ = false;
  }

  void write_row(std::uint32_t row, std::uint32_t* out) const
  {
    const auto before = row == 0 ? 0 : (row - 1) * static_cast<std::uint32_t>(original_width_);
    for (const auto column : columns_) *out++ = row == 0 || column == 0 ? 0 : before + column;
  }

  /// Whether all coordinates stay within +- 2^30 pixels.
  [[nodiscard]] bool is_near(const fixed_line& line) const
  {
    constexpr std::int64_t most = std::int64_t{1} << 44;  // of each of three terms
    const auto size = [](std::int64_t v) { return v < 0 ? -v : v; };
    const auto steepest = most / (std::max(height_, width_) + 64);
    return size(line.start) < most && size(line.by_x) < steepest && size(line.by_y) < steepest;
  }

  [[nodiscard]] column_run run_of_columns() const
  {
    const auto is_there = [](std::uint32_t column) { return column != 0; };
    const auto first = std::find_if(columns_.begin(), columns_.end(), is_there);
    const auto last = std::find_if(columns_.rbegin(), columns_.rend(), is_there).base();
    const auto begin = static_cast<std::size_t>(first - columns_.begin());
    if (first == columns_.end()) return {begin, begin, true};
    const auto end = static_cast<std::size_t>(last - columns_.begin());
    bool is_all = true;
    for (auto x = begin; x < end; ++x)
      is_all = is_all && columns_[x] == columns_[begin] + x - begin;
    return {begin, end, is_all};
  }

  const kernel_set* passes_;
  std::int64_t height_ = 0, width_ = 0, original_width_ = 0;
  bool is_separable_ = true;
  table rows_, columns_, other_;  // 1 + the original row or column
  table now_, next_, padded_;     // used when not separable
  resize_table column_table_, row_table_;
};

}  // namespace rolewise::detail::kernels
