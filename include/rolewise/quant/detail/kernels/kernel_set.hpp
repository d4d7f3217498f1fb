// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `kernel_set`: the quantizer kernels over float32, implemented once per instruction set.

#include <cstddef>
#include <cstdint>

namespace rolewise::detail::quant_kernels {

/// The map from values to codes: `c = round(clip(x - shift, low, high) * times)`, half to even.
struct code_map {
  float shift = 0.0F;
  float low = 0.0F;
  float high = 0.0F;
  float times = 0.0F;
  /// Added to each code as it is stored. Must be even, as it takes part in rounding half to even.
  std::int32_t zero_point = 0;
};

/// Variants of the backward pass: which values count as inside, and which sums are computed. With
/// y = x - shift and e = c - y times inside, c outside:
enum class backward_rule : std::uint8_t {
  closed,           ///< low <= y <= high; no sum
  step,             ///< low < y < high; sum of g e
  step_and_offset,  ///< low < y < high; sum of g e, and of g outside
  clip,             ///< low <= y < high; sum of g e
  clip_only         ///< low <= y < high; sum of g where y >= high
};

/// The sums of `backward_rule` over a part of a tensor.
struct sums {
  double first = 0.0;
  double second = 0.0;
};

/// The parameters of the tanh kernels.
struct tanh_map {
  /// Whether no magnitude is above `small_tanh`; the same for all parts of a tensor.
  bool small = false;
  float times = 0.0F;
};

/// The largest magnitude for the short tanh polynomial.
inline constexpr float small_tanh = 0.625F;

/// The bits of infinity. As integers, the bits of a float32 magnitude grow with it; those of NaN
/// are larger than these.
inline constexpr std::uint32_t bits_of_infinity = 0x7F800000U;

/// One implementation of every kernel. Input and output may be the same memory, else do not
/// overlap.
///
/// Sums are computed in one order on every instruction set: 16 sums in float32 over each 1,024
/// elements, accumulated in double. All results but those of tanh beyond `small_tanh` have the
/// same bits on every instruction set and under every flag of the compiler.
struct kernel_set {
  const char* name;
  /// Stores the low byte of each code. Returns the bits of the largest magnitude of x.
  std::uint32_t (*codes)(const float* x, std::size_t count, const code_map& by, std::uint8_t* out);
  /// The backward pass: `out = g` inside, else 0. Returns the sums.
  sums (*back)(backward_rule how, const float* g, const float* x, std::size_t count,
               const code_map& by, float* out);
  /// Returns the bits of the largest magnitude.
  std::uint32_t (*largest)(const float* x, std::size_t count);
  /// The same, and stores the sum of magnitudes.
  std::uint32_t (*magnitudes)(const float* x, std::size_t count, double* sum);
  /// Stores odd codes `2 round(tanh(x) times + n / 2) - n`; n is odd.
  void (*tanh_bytes)(const float* x, std::size_t count, const tanh_map& by, std::int32_t n,
                     std::int8_t* out);
  void (*tanh_floats)(const float* x, std::size_t count, const tanh_map& by, std::int32_t n,
                      float* out);
  /// `out = g (1 - tanh(x)^2) times`, and the sum of g tanh(x). Returns whether a magnitude of x
  /// has the bits `largest`.
  bool (*tanh_back)(const float* g, const float* x, std::size_t count, const tanh_map& by,
                    std::uint32_t largest, float* out, double* sum);
  /// Stores 1, or -1 where x < 0. Returns the bits of the largest magnitude.
  std::uint32_t (*signs)(const float* x, std::size_t count, std::int8_t* out);
  /// Returns the sum of g, negated where x < 0.
  double (*signed_sum)(const float* g, const float* x, std::size_t count);
};

}  // namespace rolewise::detail::quant_kernels
