// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Quantization statistics of one tensor: histogram, levels, clipping, error.

#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/report/detail/levels_found.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise::report {

/// How positions of levels are scaled relative to the values.
enum class level_size {
  as_they_are,
  /// Multiplied by `quantization_view::gain`: for weights whose size a quantizer drops because
  /// batch norm follows, such as DoReFa's, which are in [-1, 1] however small they were.
  fitted,
  /// `fitted` if the gain is below 1/2. Rounding to nearest with a level at 0 never has such a
  /// gain, since no value is less than half of its level; clipping increases the gain.
  by_gain
};

/// Statistics of a tensor and its quantized form.
///
/// With a scale per channel, positions (`low`, `high`, `levels`) are those of values minus the
/// offset, divided by the scale of their channel: one step is 1 (`is_in_steps`). Otherwise they
/// are those of the values.
struct quantization_view {
  bit_width bits{32};
  std::int64_t values = 0;  ///< number of values
  std::int64_t zeros = 0;   ///< values that are exactly 0 before quantization

  /// Histogram: number of values in each of several equal intervals of [`low`, `high`]; the last
  /// one includes `high`.
  std::vector<std::int64_t> bins;
  double low = 0.0;
  double high = 1.0;
  std::int64_t below = 0;  ///< values below `low`
  std::int64_t above = 0;  ///< values above `high`

  /// Levels in ascending order with their number of values: all levels if the quantizer gives
  /// their range (`quantized::range`) and they are equally spaced, otherwise those in use. Empty
  /// if there are more than 256.
  std::vector<level_use> levels;
  std::int64_t used = 0;      ///< levels in use; the maximum over channels if channels have their
                              ///< own levels and together use more than `possible`
  std::int64_t possible = 0;  ///< number of levels: 2^bits, or fewer if the quantizer gives fewer

  /// Clipped values: those beyond the lowest or the highest level by more than half of the
  /// adjacent step, which rounding alone cannot cause. Known for fitted levels only if all levels
  /// are listed, otherwise 0.
  std::int64_t clipped_below = 0;
  std::int64_t clipped_above = 0;

  double error = 0.0;  ///< mean (x - q)^2 / variance of x; NaN if all values are equal
  /// The factor g that minimizes mean (x - g q)^2, and that error relative to the variance.
  double gain = 1.0;
  double fitted_error = 0.0;
  bool is_fitted = false;  ///< whether positions of levels are multiplied by `gain`

  std::int64_t scales = 0;  ///< number of scales: 0, 1, or one for each channel
  double least_scale = 1.0;
  double greatest_scale = 1.0;
  bool is_in_steps = false;  ///< more than one scale: positions are in steps

  /// Share of the values that are clipped, in [0, 1].
  [[nodiscard]] double clipped() const
  {
    return static_cast<double>(clipped_below + clipped_above) / static_cast<double>(values);
  }
  /// Share of the values that are exactly 0.
  [[nodiscard]] double zero_share() const
  {
    return static_cast<double>(zeros) / static_cast<double>(values);
  }
};

namespace detail {

/// Input and output of a quantizer on the CPU, in double precision for sums of millions of
/// squares.
struct both_sides {
  torch::Tensor before;  ///< values before quantization
  torch::Tensor after;   ///< values after quantization
  torch::Tensor places;  ///< `before`, in the unit of the positions of levels
};

[[nodiscard]] inline torch::Tensor wide_on_cpu(const torch::Tensor& x)
{
  return x.detach().to(torch::kCPU, torch::kDouble);
}

[[nodiscard]] ROLEWISE_INLINE both_sides sides_of(std::string_view who, const torch::Tensor& values,
                                                  const quantized& q, bool in_steps);

ROLEWISE_INLINE void measure_scales(quantization_view& view, const quantized& q);

ROLEWISE_INLINE void measure_error(quantization_view& view, const both_sides& sides,
                                   level_size size, bool has_offset);

ROLEWISE_INLINE void measure_levels(quantization_view& view, const torch::Tensor& places,
                                    const levels_found& found, double step);

/// Histogram over the range from the lowest level or the 1/1000 quantile of the values, whichever
/// is lower, to the same at the upper end. It has 2 n^(1/3) intervals (Rice's rule) between the
/// quantiles, and intervals of the same width up to the levels; 8 to 120 in all.
ROLEWISE_INLINE void count_bins(quantization_view& view, const torch::Tensor& places);

/// @param who prefix of error messages
[[nodiscard]] ROLEWISE_INLINE quantization_view view_for(std::string_view who,
                                                         const torch::Tensor& values,
                                                         const quantized& q, bit_width bits,
                                                         level_size size);

}  // namespace detail

/// Computes the statistics of a tensor and its quantized form. Neither changes.
/// @param values any shape, floating point, on any device
/// @param q quantized form, of the same shape
/// @param bits of the levels, fewer than 32
/// @param size how positions of levels are scaled
/// @par Determinism
/// A function of the arguments.
/// @throws std::invalid_argument for 32 bits, no values, or levels of another shape
/// @throws std::runtime_error if values are not finite
[[nodiscard]] inline quantization_view quantization_view_of(
    const torch::Tensor& values, const quantized& q, bit_width bits,
    level_size size = level_size::as_they_are)
{
  return detail::view_for("quantization_view", values, q, bits, size);
}

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/quantization_view.hpp>
#endif
