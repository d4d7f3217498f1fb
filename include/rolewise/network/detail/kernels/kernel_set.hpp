// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The interface of the float32 batch norm kernels, which are compiled per instruction set.

#include <rolewise/quant/fusible_steps.hpp>

#include <cstddef>
#include <cstdint>

namespace rolewise::detail::norm_kernels {

/// The number of channels must be a multiple of this.
inline constexpr std::size_t channels_together = 16;

/// What is added to the normalized values: floats, or `(byte - zero) * scale + offset`, or
/// nothing.
struct addend {
  const float* numbers = nullptr;
  const std::uint8_t* bytes = nullptr;
  float zero = 0.0F;
  float scale = 1.0F;
  float offset = 0.0F;
};

/// Rows of channels: `y = x * factor + shift + addend`, with one factor, shift and mean per
/// channel.
struct rows_of_channels {
  const float* x = nullptr;
  std::size_t rows = 0;
  std::size_t channels = 0;
  const float* mean = nullptr;
  const float* factor = nullptr;
  const float* shift = nullptr;
  addend beside{};
};

/// A gradient of y, its mask, and the sums to compute.
struct gradient_pass {
  const float* gradient = nullptr;
  /// The gradient passes where `low <= y <= high`.
  float low = 0.0F;
  float high = 0.0F;
  /// Receives the masked gradient, if not null; may be the gradient's own memory.
  float* passed = nullptr;
  /// Whether to compute `of_error`.
  bool of_codes = false;
  quant_kernels::code_map map{};
};

/// Per-channel sums, to which a kernel adds.
struct channel_sums {
  double* plain = nullptr;     ///< of the masked gradient
  double* centered = nullptr;  ///< of the masked gradient times (x - mean)
  double* of_error = nullptr;  ///< of the gradient times (code - masked y in steps)
};

/// The kernels of one instruction set.
///
/// Sums are accumulated in float32 over ranges of rows, and these in double. All results are
/// bit-identical on every instruction set and under every compiler flag.
struct kernel_set {
  const char* name;
  /// Adds the sums of (x - mean) and of its square to `plain` and `centered`; the mean is an
  /// estimate.
  void (*moments)(const rows_of_channels& of, const channel_sums& to);
  /// Writes y, or `least` where it is less.
  void (*values)(const rows_of_channels& of, float least, float* out);
  /// Writes codes of y; ignores the shift of the map. Returns the bits of the largest magnitude
  /// of y.
  std::uint32_t (*codes)(const rows_of_channels& of, const quant_kernels::code_map& map,
                         std::uint8_t* out);
  void (*sums)(const rows_of_channels& of, const gradient_pass& by, const channel_sums& to);
  /// Writes the gradient of x: `passed * factor + ((x - mean) * slope + level)`; may overwrite
  /// the gradient.
  void (*back)(const rows_of_channels& of, const gradient_pass& by, const float* slope,
               const float* level, float* out);
};

}  // namespace rolewise::detail::norm_kernels
