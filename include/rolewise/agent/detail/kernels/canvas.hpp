// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// One image while it is worked on.

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

/// One coordinate of the source of the pixel (x, y), 16.16: `start + x * by_x + y * by_y`.
struct fixed_line {
  std::int64_t start, by_x, by_y;
};

/// The planes of one image, a plane that says what still shows something of the original
/// (`images::covered`, 255 or 0), and a table for each channel that is still to be applied.
/// Consecutive operations by tables become one. Memory stays from image to image.
class canvas {
 public:
  explicit canvas(const kernel_set& passes) : passes_{&passes} {}

  /// Takes a copy of an image `[C, H, W]`, C = 1 or 3, when it is needed; until the next image
  /// comes, this one stays.
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
  [[nodiscard]] std::size_t count() const noexcept { return count_; }  ///< pixels of a plane
  [[nodiscard]] bool has_holes() const noexcept { return has_holes_; }

  /// The planes as they are now.
  [[nodiscard]] std::uint8_t* const* planes()
  {
    settle();
    return now_.data();
  }
  /// A plane for whatever is needed on the way.
  [[nodiscard]] std::uint8_t* spare() noexcept { return spare_; }

  /// What a resize works with; it stays from image to image.
  [[nodiscard]] resize_room& room_to_resize() noexcept { return room_; }

  /// Adds a table; it may differ by channel.
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

  /// Holes become part of the image.
  void forget_holes() noexcept { has_holes_ = false; }

  /// Holes get a colour and are none any more.
  void fill(const std::uint8_t* colour)
  {
    if (!has_holes_) return;
    settle();
    for (std::size_t c = 0; c < channels_; ++c)
      passes_->fill(now_[c], now_[mask], count_, colour[c]);
    has_holes_ = false;
  }

  /// Each row y is made from row `y + down` by `move_of(y)`. `outside` fills what has no source;
  /// it is a hole unless `stays_covered`.
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

  /// Each pixel is made from the one at the nearest source; outside are black holes. The source of
  /// the pixel (x, y) is `(column, row)` of `fixed_line`.
  void gather(const fixed_line& column, const fixed_line& row)
  {
    settle();
    cover_all();
    // Planes that are not there are carried along: four bytes are one load.
    packed_.resize(count_ + guard);
    passes_->pack(now_.data(), count_, packed_.data());
    packed_[count_] = 0;  // what lies outside
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

  /// Calls `make(from, to, room)`: four planes each, the fourth says what is covered, and memory
  /// for pixels on the way. The planes that it has made are the image then.
  template<typename Make>
  void remake(Make&& make)
  {
    settle();
    cover_all();
    make(now_, next_, packed_);
    std::swap(now_, next_);
  }

  /// The rows from the last to the first.
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

  /// Each plane becomes one of another size: `make(plane, out)`; up to `guard` bytes after `out`
  /// may be spoilt.
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

  /// A hole of the rows `top .. bottom - 1` and the columns `left .. right - 1`, clipped.
  void cut(std::int64_t top, std::int64_t bottom, std::int64_t left, std::int64_t right,
           const std::uint8_t* colour)
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
      for (std::size_t c = 0; c < channels_; ++c) std::memset(now_[c] + at, colour[c], length);
      std::memset(now_[mask] + at, 0, length);
    }
  }

 private:
  static constexpr std::size_t mask = 3;

  /// Copies rows of the image that waits, if one does; the others are as good as lost.
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

  /// Whether all coordinates fit into 16.16 of 32 bits.
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

  /// Room for planes of `count` pixels; the planes stay.
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
  std::vector<std::uint32_t> packed_, row_;  // of gather and remake
  resize_room room_;
};

}  // namespace rolewise::detail::kernels
