// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The passes of batch norm over float32 that every instruction set has its own version of.

#include <rolewise/quant/fusible_steps.hpp>

#include <cstddef>
#include <cstdint>

namespace rolewise::detail::norm_kernels {

/// Channels come in multiples of this.
inline constexpr std::size_t channels_together = 16;

/// What is added to the normalised numbers: numbers, or `(byte - zero) * scale + offset`, or
/// nothing.
struct addend {
  const float* numbers = nullptr;
  const std::uint8_t* bytes = nullptr;
  float zero = 0.0F;
  float scale = 1.0F;
  float offset = 0.0F;
};

/// Rows of channels: `y = x * factor + shift + addend`, where factor, shift and mean are one number
/// per channel.
struct rows_of_channels {
  const float* x = nullptr;
  std::size_t rows = 0;
  std::size_t channels = 0;
  const float* mean = nullptr;
  const float* factor = nullptr;
  const float* shift = nullptr;
  addend beside{};
};

/// What a gradient of y passes, and what it sums up on the way.
struct gradient_pass {
  const float* gradient = nullptr;
  /// Passes where `low <= y <= high`.
  float low = 0.0F;
  float high = 0.0F;
  /// Where what has passed is written, if anywhere; may be the gradient's own memory.
  float* passed = nullptr;
  /// Whether `of_error` is summed up.
  bool of_codes = false;
  quant_kernels::code_map map{};
};

/// Sums for each channel, to which a pass adds.
struct channel_sums {
  double* plain = nullptr;     ///< of the gradient that passed
  double* centred = nullptr;   ///< of it times (x - mean)
  double* of_error = nullptr;  ///< of the gradient times (code - y in steps, where it passed)
};

/// One version of every pass.
///
/// Sums are made in float32 over stretches of rows, these in double; all results have the same bits
/// on every instruction set and under every flag of the compiler.
struct kernel_set {
  const char* name;
  /// Adds sums of (x - mean) and of its square to `plain` and `centred`; the mean is a guess.
  void (*moments)(const rows_of_channels& of, const channel_sums& to);
  /// y, or `least` where it is less.
  void (*values)(const rows_of_channels& of, float least, float* out);
  /// Codes of y; the shift of the map is not looked at. Returns the bits of the largest magnitude
  /// of y.
  std::uint32_t (*codes)(const rows_of_channels& of, const quant_kernels::code_map& map,
                         std::uint8_t* out);
  void (*sums)(const rows_of_channels& of, const gradient_pass& by, const channel_sums& to);
  /// The gradient of x: `passed * factor + ((x - mean) * slope + level)`; may be written over the
  /// gradient.
  void (*back)(const rows_of_channels& of, const gradient_pass& by, const float* slope,
               const float* level, float* out);
};

}  // namespace rolewise::detail::norm_kernels
