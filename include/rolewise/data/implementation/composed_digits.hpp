// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/composed_digits.hpp>.

#include <rolewise/data/composed_digits.hpp>

#include <rolewise/core/draws.hpp>
#include <rolewise/data/detail/glyph_drawing.hpp>
#include <rolewise/data/normalization_of.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/parallel_for.hpp>

#include <ATen/ops/_upsample_bilinear2d_aa.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace rolewise::detail {

namespace digits {

inline constexpr std::int64_t side = 28;

/// The lit ones of seven segments, bit i for segment i, of each digit.
inline constexpr std::array<unsigned, 10> lit{0x3f, 0x06, 0x5b, 0x4f, 0x66,
                                              0x6d, 0x7d, 0x07, 0x7f, 0x6f};

/// The ends of the segments: joints by row, two in each of three, in the usual order: top, upper
/// right, lower right, bottom, lower left, upper left, middle.
inline constexpr std::array<std::pair<int, int>, 7> segments{
    {{0, 1}, {1, 3}, {3, 5}, {4, 5}, {2, 4}, {0, 2}, {2, 3}}};

inline void require(const composed_digit_options& options)
{
  if (options.classes < 2 || options.classes > 10000)
    throw_invalid_argument("composed_digits", "want 2 to 10000 classes, got ", options.classes);
  if (options.height < 8 || options.width < 8)
    throw_invalid_argument("composed_digits", "want images of at least 8 x 8 pixels, got ",
                           options.height, " x ", options.width);
}

/// Draws a digit into a square, 0 to 1.
/// @param stride from one row to the next
inline void draw(unsigned digit, seed key, std::int64_t epoch, std::int64_t id, float* out,
                 std::int64_t stride)
{
  const draws random{key.split(purpose{"look"}), epoch, id};
  std::uint64_t next = 0;
  const auto uniform = [&](double low, double high) { return random.uniform(next++, low, high); };
  constexpr double middle = static_cast<double>(side) / 2.0;
  const glyph_point center{middle + uniform(-2.0, 2.0), middle + uniform(-2.0, 2.0)};
  const double half_height = 9.5 * uniform(0.8, 1.1), half_width = 5.5 * uniform(0.8, 1.1);
  const double slant = uniform(-0.2, 0.2), thickness = uniform(0.9, 2.1);
  const double brightness = uniform(0.6, 1.0), noise = uniform(0.02, 0.1);

  const auto joint = [&](int number) {
    const double up = (1 - number / 2) * half_height;
    return glyph_point{center.x + (2 * (number % 2) - 1) * half_width + slant * up, center.y - up};
  };
  std::vector<glyph_stroke> ink;
  for (std::size_t i = 0; i < segments.size(); ++i)
    if ((lit.at(digit) >> i & 1U) != 0)
      ink.push_back({joint(segments[i].first), joint(segments[i].second), thickness});

  const draws grain{key.split(purpose{"grain"}), epoch, id};
  std::uint64_t pixel = 0;
  for (std::int64_t row = 0; row < side; ++row)
    for (std::int64_t column = 0; column < side; ++column) {
      const glyph_point p{static_cast<double>(column) + 0.5, static_cast<double>(row) + 0.5};
      const double value = brightness * ink_coverage(ink, p) + noise * grain.normal(pixel++);
      out[row * stride + column] = static_cast<float>(std::clamp(value, 0.0, 1.0));
    }
}

[[nodiscard]] inline torch::Tensor numbers_of(const torch::Tensor& t, const char* what)
{
  if (!t.defined() || t.dim() != 1 || t.scalar_type() != torch::kLong || !t.is_cpu())
    throw_invalid_argument(
        "composed_digits", "want ", what, " [N] of Long on the CPU, got ",
        t.defined() ? classic_text(t.sizes(), " of ", t.scalar_type(), " on ", t.device())
                    : "an undefined tensor");
  return t.contiguous();
}

[[nodiscard]] inline dataset drawn(const composed_digit_options& options, std::int64_t first,
                                   std::int64_t count)
{
  dataset result;
  result.shape = {1, options.height, options.width, options.classes};
  result.labels = at::arange(count, torch::kLong).remainder_(options.classes);
  result.ids = at::arange(first, first + count, torch::kLong);
  result.name = "composed digits";
  result.inputs = composed_digit_images(options, result.labels, result.ids,
                                        options.seed.split(purpose{"composed digit images"}), 0);
  return result;
}

}  // namespace digits

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE torch::Tensor composed_digit_images(const composed_digit_options& options,
                                                    const torch::Tensor& classes,
                                                    const torch::Tensor& ids, seed key,
                                                    std::int64_t epoch)
{
  namespace digits = detail::digits;
  digits::require(options);
  const auto labels = digits::numbers_of(classes, "classes"), own = digits::numbers_of(ids, "ids");
  const auto count = labels.size(0), each = digits_for_classes(options.classes);
  if (own.size(0) != count)
    throw_invalid_argument("composed_digits", "want as many ids as classes, got ", own.size(0),
                           " and ", count);
  const auto* const label = labels.const_data_ptr<std::int64_t>();
  const auto* const id = own.const_data_ptr<std::int64_t>();
  for (std::int64_t n = 0; n < count; ++n)
    if (label[n] < 0 || label[n] >= options.classes)
      throw_invalid_argument("composed_digits", "want classes 0 .. ", options.classes - 1, ", got ",
                             label[n]);

  const auto result = at::empty({count, 1, options.height, options.width}, torch::kByte);
  const auto stride = each * digits::side;
  constexpr std::int64_t at_once = 256;  // a piece of the images in floating point
  for (std::int64_t from = 0; from < count; from += at_once) {
    const auto piece = std::min(at_once, count - from);
    const auto wide = at::empty({piece, 1, digits::side, stride}, torch::kFloat);
    auto* const out = wide.mutable_data_ptr<float>();
    detail::parallel_for_ranges(piece, 8, [&](std::int64_t begin, std::int64_t end) {
      for (auto n = begin; n < end; ++n)
        for (std::int64_t place = each, rest = label[from + n]; place-- > 0; rest /= 10)
          digits::draw(static_cast<unsigned>(rest % 10),
                       key.split(static_cast<std::uint64_t>(place)), epoch, id[from + n],
                       out + n * digits::side * stride + place * digits::side, stride);
    });
    const auto resized = at::_upsample_bilinear2d_aa(wide, {options.height, options.width}, false,
                                                     std::nullopt, std::nullopt);
    result.narrow(0, from, piece).copy_((resized * 255.0).round().clamp(0.0, 255.0));
  }
  return result;
}

ROLEWISE_INLINE dataset_splits composed_digits(const composed_digit_options& options)
{
  namespace digits = detail::digits;
  digits::require(options);
  if (options.train_per_class < 1 || options.test_per_class < 0)
    throw_invalid_argument("composed_digits", "want at least 1 training example for each class ",
                           "and 0 or more test examples, got ", options.train_per_class, " and ",
                           options.test_per_class);
  const auto count = options.classes * options.train_per_class;
  dataset_splits result;
  result.train = digits::drawn(options, 0, count);
  result.test = digits::drawn(options, count, options.classes * options.test_per_class);
  result.shape = result.train.shape;
  result.train.normalization = result.test.normalization = normalization_of(result.train.inputs);
  return result;
}

}  // namespace rolewise
