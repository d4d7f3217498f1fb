// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `canvas`: one image and its working memory during a program.

#include <rolewise/agent/detail/kernels/kernel_set.hpp>
#include <rolewise/agent/detail/kernels/point_tables.hpp>
#include <rolewise/agent/detail/kernels/resize_table.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace rolewise::detail::kernels {

/// One source coordinate of the pixel (x, y), in 16.16 fixed point:
/// `start + x * by_x + y * by_y`.
struct fixed_line {
  std::int64_t start, by_x, by_y;
};

/// The planes of one image, a coverage plane (`images::covered`, 255 or 0), and a pending lookup
/// table for each channel. Consecutive table operations are composed into one. Memory is reused
/// from image to image.
class canvas {
 public:
  explicit canvas(const kernel_set& passes) : passes_{&passes} {}

  /// Sets the image, `[C, H, W]`, C = 1 or 3. It is copied on first use, so it must stay valid
  /// until the next `load`.
  void load(const std::uint8_t* image, std::int64_t channels, std::int64_t height,
            std::int64_t width)
  {
    make_room(channels, height, width);
    waiting_ = image;
    has_holes_ = is_pending_ = false;
  }

  [[nodiscard]] const kernel_set& passes() const noexcept { return *passes_; }
  [[nodiscard]] std::size_t channels() const noexcept { return channels_; }
  [[nodiscard]] std::int64_t height() const noexcept { return height_; }
  [[nodiscard]] std::int64_t width() const noexcept { return width_; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }  ///< pixels per plane
  [[nodiscard]] bool has_holes() const noexcept { return has_holes_; }

  /// Returns the planes, with pending tables applied.
  [[nodiscard]] std::uint8_t* const* planes()
  {
    settle();
    return now_.data();
  }
  /// A scratch plane.
  [[nodiscard]] std::uint8_t* spare() noexcept { return spare_; }

  /// Working memory of resizes, reused from image to image.
  [[nodiscard]] resize_room& room_to_resize() noexcept { return room_; }

  /// Composes a lookup table with the pending one; it may differ by channel.
  template<typename TableOf>
  void look_up(TableOf&& table_of)
  {
    for (std::size_t c = 0; c < channels_; ++c) {
      const byte_table next = table_of(c);
      if (is_pending_)
        for (auto& v : pending_[c]) v = next[v];
      else
        pending_[c] = next;
    }
    is_pending_ = true;
  }

  /// Marks holes as covered, with the color they have.
  void forget_holes() noexcept { has_holes_ = false; }

  /// Paints holes in a color and marks them as covered.
  void fill(const std::uint8_t* color)
  {
    if (!has_holes_) return;
    settle();
    for (std::size_t c = 0; c < channels_; ++c)
      passes_->fill(now_[c], now_[mask], count_, color[c]);
    has_holes_ = false;
  }

  /// Makes each row y from row `y + down`, shifted by `shift_of(y)` columns and mirrored if
  /// asked. Pixels without a source get the color `outside`; they are holes unless
  /// `stays_covered`.
  template<typename ShiftOf>
  void move_rows(std::int64_t down, bool mirrored, const std::uint8_t* outside, bool stays_covered,
                 ShiftOf&& shift_of)
  {
    settle();
    if (!stays_covered) cover_all();
    const auto move_plane = [&](std::size_t p, std::uint8_t beyond) {
      for (std::int64_t y = 0; y < height_; ++y) {
        const std::int64_t from = y + down;
        const bool is_inside = from >= 0 && from < height_;
        passes_->move(now_[p] + (is_inside ? from : 0) * width_, next_[p] + y * width_, width_,
                      {is_inside ? shift_of(y) : width_, mirrored, beyond});
      }
      std::swap(now_[p], next_[p]);
    };
    for (std::size_t c = 0; c < channels_; ++c) move_plane(c, outside[c]);
    if (has_holes_) move_plane(mask, stays_covered ? 255 : 0);
  }

  /// Makes each pixel from the source pixel that contains `(column, row)`, each a `fixed_line` of
  /// (x, y); pixels from outside are black holes.
  void gather(const fixed_line& column, const fixed_line& row)
  {
    settle();
    cover_all();
    // Unused planes are packed too: the four bytes of a pixel are one load.
    packed_.resize(count_ + guard);
    passes_->pack(now_.data(), count_, packed_.data());
    packed_[count_] = 0;  // the pixel for sources outside the image
    const bool is_small = fits(column) && fits(row);
    const auto length = static_cast<std::size_t>(width_);
    for (std::int64_t y = 0; y < height_; ++y) {
      const source_row from{column.start + y * column.by_y, row.start + y * row.by_y, column.by_x,
                            row.by_x};
      if (is_small)
        passes_->sources(from, height_, width_, row_.data());
      else
        far_sources(from);
      for (std::size_t x = 0; x < length; ++x) row_[x] = packed_[row_[x]];
      const auto start = y * width_;
      const std::array<std::uint8_t*, 4> out{next_[0] + start, next_[1] + start, next_[2] + start,
                                             next_[3] + start};
      passes_->unpack(row_.data(), length, out.data());
    }
    std::swap(now_, next_);
  }

  /// Replaces the planes: calls `make(from, to, room)` with four source planes, four target
  /// planes (the fourth of each is coverage) and scratch memory for packed pixels.
  template<typename Make>
  void remake(Make&& make)
  {
    settle();
    cover_all();
    make(now_, next_, packed_);
    std::swap(now_, next_);
  }

  /// Reverses the order of the rows.
  void turn_over()
  {
    settle();
    for (std::size_t p = 0; p < next_.size(); ++p) {
      if (p >= channels_ && !(p == mask && has_holes_)) continue;
      for (std::int64_t y = 0; y < height_; ++y)
        std::memcpy(next_[p] + y * width_, now_[p] + (height_ - 1 - y) * width_,
                    static_cast<std::size_t>(width_));
    }
    std::swap(now_, next_);
  }

  /// Replaces each plane by one of another size: calls `make(plane, out)`, which may overwrite up
  /// to `guard` bytes after `out`. It may read only the old rows `first .. end - 1`.
  /// @pre there are no holes
  template<typename Make>
  void remake(std::int64_t height, std::int64_t width, std::int64_t first, std::int64_t end,
              Make&& make)
  {
    if (!is_pending_) bring(first, end);
    settle();
    reserve(static_cast<std::size_t>(height * width));
    for (std::size_t c = 0; c < channels_; ++c) make(now_[c], next_[c]);
    std::swap(now_, next_);
    set_size(height, width);
  }

  /// Makes the rows `top .. bottom - 1` and columns `left .. right - 1`, clipped, a hole of a
  /// given color.
  void cut(std::int64_t top, std::int64_t bottom, std::int64_t left, std::int64_t right,
           const std::uint8_t* color)
  {
    top = std::max<std::int64_t>(top, 0);
    left = std::max<std::int64_t>(left, 0);
    bottom = std::min(bottom, height_);
    right = std::min(right, width_);
    if (top >= bottom || left >= right) return;
    settle();
    cover_all();
    for (std::int64_t y = top; y < bottom; ++y) {
      const auto at = y * width_ + left;
      const auto length = static_cast<std::size_t>(right - left);
      for (std::size_t c = 0; c < channels_; ++c) std::memset(now_[c] + at, color[c], length);
      std::memset(now_[mask] + at, 0, length);
    }
  }

 private:
  static constexpr std::size_t mask = 3;

  /// Copies rows of an image that is not copied yet, if there is one; its other rows become
  /// undefined.
  void bring(std::int64_t first, std::int64_t end)
  {
    if (waiting_ == nullptr) return;
    const auto start = static_cast<std::size_t>(first * width_);
    const auto length = static_cast<std::size_t>((end - first) * width_);
    for (std::size_t c = 0; c < channels_; ++c)
      std::memcpy(now_[c] + start, waiting_ + c * count_ + start, length);
    waiting_ = nullptr;
  }

  void settle()
  {
    bring(0, height_);
    if (!is_pending_) return;
    for (std::size_t c = 0; c < channels_; ++c)
      passes_->look_up(now_[c], count_, pending_[c].data());
    is_pending_ = false;
  }

  void cover_all()
  {
    if (has_holes_) return;
    std::memset(now_[mask], 255, count_);
    has_holes_ = true;
  }

  /// Whether all coordinates fit into 16.16 fixed point of 32 bits.
  [[nodiscard]] bool fits(const fixed_line& line) const
  {
    constexpr std::int64_t most = std::int64_t{1} << 30;
    const auto size = [](std::int64_t v) { return v < 0 ? -v : v; };
    return size(line.by_x) < most && size(line.by_y) < most && size(line.start) < most &&
           size(line.start) + size(line.by_x) * (width_ + 64) + size(line.by_y) * height_ < most;
  }

  void far_sources(const source_row& from)
  {
    for (std::int64_t x = 0; x < width_; ++x) {
      const auto at_x = (from.x + x * from.x_by) >> 16, at_y = (from.y + x * from.y_by) >> 16;
      const bool inside = at_x >= 0 && at_x < width_ && at_y >= 0 && at_y < height_;
      row_[static_cast<std::size_t>(x)] =
          static_cast<std::uint32_t>(inside ? at_y * width_ + at_x : height_ * width_);
    }
  }

  void make_room(std::int64_t channels, std::int64_t height, std::int64_t width)
  {
    channels_ = static_cast<std::size_t>(channels);
    if (height == height_ && width == width_) return;
    reserve(static_cast<std::size_t>(height * width));
    set_size(height, width);
  }

  void set_size(std::int64_t height, std::int64_t width)
  {
    height_ = height;
    width_ = width;
    count_ = static_cast<std::size_t>(height * width);
    row_.resize(static_cast<std::size_t>(width) + guard);
  }

  /// Ensures capacity for planes of `count` pixels; keeps the planes.
  void reserve(std::size_t count)
  {
    const std::size_t stride = (count + 2 * guard + 63) / 64 * 64;
    if (stride <= stride_) return;
    stride_ = stride;
    std::vector<std::uint8_t> larger(9 * stride);
    for (std::size_t p = 0; p < 4; ++p) {
      auto* const plane = larger.data() + p * stride + guard;
      if (now_[p] != nullptr) std::memcpy(plane, now_[p], count_);
      now_[p] = plane;
      next_[p] = plane + 4 * stride;
    }
    spare_ = larger.data() + 8 * stride + guard;
    memory_ = std::move(larger);
  }

  const kernel_set* passes_;
  std::size_t channels_ = 0, count_ = 0, stride_ = 0;
  std::int64_t height_ = 0, width_ = 0;
  bool has_holes_ = false, is_pending_ = false;
  std::array<std::uint8_t*, 4> now_{}, next_{};
  std::uint8_t* spare_ = nullptr;
  const std::uint8_t* waiting_ = nullptr;
  std::array<byte_table, 3> pending_{};
  std::vector<std::uint8_t> memory_;
  std::vector<std::uint32_t> packed_, row_;  // scratch of `gather` and `remake`
  resize_room room_;
};

}  // namespace rolewise::detail::kernels
