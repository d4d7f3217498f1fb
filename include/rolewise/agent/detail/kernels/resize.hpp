// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Resize of one image, bit-equal to `operations::resize`.

#include <rolewise/agent/detail/kernels/canvas.hpp>
#include <rolewise/agent/detail/resize_order.hpp>
#include <rolewise/agent/image_layers.hpp>

#include <cstddef>
#include <cstdint>

namespace rolewise::detail::kernels {

/// Vertical pass: makes the new rows of a table from old rows of `length` pixels, `stride` bytes
/// apart, of which `in` begins with number `begin`.
inline void weigh_all_rows(const kernel_set& passes, const resize_table& rows, std::int64_t begin,
                           const std::uint8_t* in, std::int64_t stride, std::int64_t length,
                           std::uint8_t* out, std::int64_t out_stride)
{
  for (std::int64_t y = 0; y < rows.size(); ++y)
    passes.weigh_rows(in + (rows.first()[y] - begin) * stride, stride,
                      rows.weights() + y * rows.stride(), rows.count()[y], out + y * out_stride,
                      length);
}

/// Resizes a box of the image to a new size. @pre there are no holes
inline void resize(canvas& image, const image_box& box, const image_size& to)
{
  const auto height = image.height(), width = image.width();
  if (to.height == height && to.width == width &&
      box == image_box{0, 0, static_cast<float>(width), static_cast<float>(height)})
    return;
  const auto& passes = image.passes();
  auto& room = image.room_to_resize();
  room.columns.make(box.left, box.right, width, to.width, to.by);
  room.rows.make(box.top, box.bottom, height, to.height, to.by);
  const auto columns = room.columns.columns();
  const auto first_row = std::int64_t{room.rows.begin()},
             first_column = std::int64_t{columns.begin};
  const auto rows_needed = room.rows.end() - first_row;
  const auto columns_needed = columns.end - first_column;
  room.strip.resize(columns.room());
  const bool rows_first = resizes_rows_first(height, width, to);
  const auto between = rows_first ? to.height * columns_needed : rows_needed * to.width;
  room.between.resize(static_cast<std::size_t>(between) + guard);
  image.remake(to.height, to.width, first_row, room.rows.end(), [&](const auto* in, auto* out) {
    if (rows_first) {
      weigh_all_rows(passes, room.rows, 0, in + first_column, width, columns_needed,
                     room.between.data(), columns_needed);
      passes.weigh_columns(columns, room.between.data(), columns_needed, to.height, out, to.width,
                           room.strip.data());
    } else {
      passes.weigh_columns(columns, in + first_row * width + first_column, width, rows_needed,
                           room.between.data(), to.width, room.strip.data());
      weigh_all_rows(passes, room.rows, first_row, room.between.data(), to.width, to.width, out,
                     to.width);
    }
  });
}

}  // namespace rolewise::detail::kernels
