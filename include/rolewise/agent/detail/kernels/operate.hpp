// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The operations of `agent/operations.hpp` on one image, bit-equal to them.

#include <rolewise/agent/detail/affine_map.hpp>
#include <rolewise/agent/detail/kernels/canvas.hpp>
#include <rolewise/agent/detail/opaque.hpp>
#include <rolewise/policy/operation.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace rolewise::detail::kernels {

/// A source coordinate, column or row, as an affine function: a (x + 1/2) + b (y + 1/2) + c.
struct affine_line {
  double a, b, c;

  [[nodiscard]] fixed_line fixed() const
  {
    return {fixed_point(c + a * 0.5 + b * 0.5), fixed_point(a), fixed_point(b)};
  }

 private:
  [[nodiscard]] static std::int64_t fixed_point(double value)
  {
    return static_cast<std::int64_t>(std::floor(opaque(value * 65536.0) + 0.5));
  }
};

inline void affine(canvas& image, const affine_line& column_line, const affine_line& row_line)
{
  constexpr std::array<std::uint8_t, 3> black{};
  constexpr std::int64_t one = 65536;
  const auto column = column_line.fixed(), row = row_line.fixed();
  if (column.by_x != one || row.by_x != 0 || row.by_y != one) {
    image.gather(column, row);
    return;
  }
  const auto down = row.start >> 16;
  if (down == 0 && column.by_y == 0 && column.start >> 16 == 0) return;
  image.move_rows(down, false, black.data(), false,
                  [&](std::int64_t y) { return (column.start + y * column.by_y) >> 16; });
}

inline void rotate(canvas& image, double degrees)
{
  const auto map = rotation(degrees, image.height(), image.width());
  affine(image, {map.a, map.b, map.c}, {map.d, map.e, map.f});
}

inline void color(canvas& image, double factor, gray_rounding rounding)
{
  if (image.channels() == 1) return;
  auto* const* planes = image.planes();
  image.passes().gray(planes, image.spare(), image.count(),
                      rounding == gray_rounding::nearest ? 0x8000 : 0);
  for (std::size_t c = 0; c < 3; ++c)
    image.passes().blend(image.spare(), planes[c], image.count(), static_cast<float>(factor));
}

inline void contrast(canvas& image, double factor, gray_rounding rounding)
{
  auto* const* planes = image.planes();
  const std::uint8_t* gray = planes[0];
  if (image.channels() == 3) {
    image.passes().gray(planes, image.spare(), image.count(),
                        rounding == gray_rounding::nearest ? 0x8000 : 0);
    gray = image.spare();
  }
  const auto count = static_cast<std::int64_t>(image.count());
  const auto mean = (2 * image.passes().sum(gray, image.count()) + count) / (2 * count);
  const auto table = blend_table(image.passes(), static_cast<std::uint8_t>(mean), factor);
  image.look_up([&](std::size_t) -> const byte_table& { return table; });
}

inline void sharpness(canvas& image, double factor)
{
  if (image.height() < 3 || image.width() < 3) return;
  auto* const* planes = image.planes();
  for (std::size_t c = 0; c < image.channels(); ++c) {
    image.passes().smooth(planes[c], image.spare(), static_cast<std::size_t>(image.height()),
                          static_cast<std::size_t>(image.width()));
    image.passes().blend(image.spare(), planes[c], image.count(), static_cast<float>(factor));
  }
}

inline void autocontrast(canvas& image)
{
  auto* const* planes = image.planes();
  image.look_up([&](std::size_t c) {
    std::uint8_t low = 0, high = 0;
    image.passes().range(planes[c], image.count(), &low, &high);
    return autocontrast_table(low, high);
  });
}

inline void equalize(canvas& image)
{
  auto* const* planes = image.planes();
  image.look_up([&](std::size_t c) {
    return equalize_table(histogram(planes[c], image.count()), image.count());
  });
}

inline void cut_out(canvas& image, double half, std::int64_t row, std::int64_t column)
{
  constexpr std::array<std::uint8_t, 3> cut{125, 122, 113}, cut_gray{122};
  const auto reach = static_cast<std::int64_t>(half);
  image.cut(row - reach, row + reach, column - reach, column + reach,
            image.channels() == 3 ? cut.data() : cut_gray.data());
}

/// Applies one operation; parameters as in `operation_parameters`.
inline void operate(canvas& image, operation what, double value, std::int64_t row,
                    std::int64_t column, gray_rounding rounding)
{
  const auto by_one_table = [&](const byte_table& table) {
    image.look_up([&](std::size_t) -> const byte_table& { return table; });
  };
  switch (what) {
    case operation::rotate:
      return rotate(image, value);
    case operation::translate_x:
      return affine(image, {1.0, 0.0, value}, {0.0, 1.0, 0.0});
    case operation::translate_y:
      return affine(image, {1.0, 0.0, 0.0}, {0.0, 1.0, value});
    case operation::shear_x:
      return affine(image, {1.0, value, 0.0}, {0.0, 1.0, 0.0});
    case operation::shear_y:
      return affine(image, {1.0, 0.0, 0.0}, {value, 1.0, 0.0});
    case operation::cutout:
      return cut_out(image, value, row, column);
    case operation::brightness:
      return by_one_table(blend_table(image.passes(), 0, value));
    case operation::contrast:
      return contrast(image, value, rounding);
    case operation::color:
      return color(image, value, rounding);
    case operation::sharpness:
      return sharpness(image, value);
    case operation::invert:
      image.forget_holes();
      return by_one_table(invert_table());
    case operation::posterize:
      image.forget_holes();
      return by_one_table(posterize_table(value));
    case operation::solarize:
      image.forget_holes();
      return by_one_table(solarize_table(value));
    case operation::equalize:
      image.forget_holes();
      return equalize(image);
    case operation::autocontrast:
      image.forget_holes();
      return autocontrast(image);
    case operation::identity:
      return;
  }
}

}  // namespace rolewise::detail::kernels
