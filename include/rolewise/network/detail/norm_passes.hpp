// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Batch norm kernels on tensors, multithreaded.

#include <rolewise/core/tensor.hpp>
#include <rolewise/network/detail/kernels/kernel_set.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace rolewise::detail {

/// Whether the kernels apply: float32 on the CPU, channels last, channels in multiples of 16.
[[nodiscard]] ROLEWISE_INLINE bool fits_norm_passes(const torch::Tensor& x);

struct channel_moments {
  std::vector<double> mean, variance;  ///< the variance is divided by the number of rows
};

[[nodiscard]] ROLEWISE_INLINE channel_moments moments_of(const torch::Tensor& x);

/// A batch norm with its statistics: mean, inverse deviation, factor and shift of each channel.
struct norm_lines {
  std::vector<float> mean, deviation_inverse, factor, shift;

  norm_lines() = default;
  norm_lines(const channel_moments& of, const torch::Tensor& weight, const torch::Tensor& bias,
             double epsilon);

  [[nodiscard]] norm_kernels::rows_of_channels rows(const float* x, std::size_t count,
                                                    const norm_kernels::addend& beside = {}) const
  {
    return {x, count, mean.size(), mean.data(), factor.data(), shift.data(), beside};
  }
};

/// The addend from element `first` on.
[[nodiscard]] ROLEWISE_INLINE norm_kernels::addend from_number(norm_kernels::addend all,
                                                               std::size_t first);

/// @param x its memory is reused if there is no other reference to it
/// @param is_rectified whether to apply ReLU
/// @return the output, laid out like x
ROLEWISE_INLINE torch::Tensor normalize(torch::Tensor x, const norm_lines& by,
                                        const norm_kernels::addend& beside, bool is_rectified);

struct normalized_codes {
  torch::Tensor codes;             ///< uint8 or int8, laid out like x
  std::uint32_t largest_bits = 0;  ///< of the largest magnitude before clipping
};

[[nodiscard]] ROLEWISE_INLINE normalized_codes
normalize_to_codes(const torch::Tensor& x, const norm_lines& by, const norm_kernels::addend& beside,
                   const quant_kernels::code_map& map, torch::ScalarType type);

/// The range in which the gradient passes, and whether to compute the gradient of the step.
struct norm_backward_rule {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  bool of_codes = false;
  quant_kernels::code_map map{};
};

struct norm_gradients {
  torch::Tensor to_x;
  std::vector<double> of_factor;  ///< of the weight: the factor of (x - mean) / deviation
  std::vector<double> of_shift;
  double of_error = 0.0;
};

/// The gradients of batch norm with batch statistics.
///
/// @param gradient laid out like x
/// @param passed if defined, receives the masked gradient; may be the same tensor as `gradient`
/// @param to_x receives the gradient of x; may be `gradient`, not `passed`
[[nodiscard]] ROLEWISE_INLINE norm_gradients
norm_backward(const torch::Tensor& gradient, const torch::Tensor& x, const norm_lines& by,
              const norm_kernels::addend& beside, const norm_backward_rule& way,
              const torch::Tensor& passed, const torch::Tensor& to_x);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/norm_passes.hpp>
#endif
