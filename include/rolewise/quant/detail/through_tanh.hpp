// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// DoReFa's weight mapping through tanh and the maximum, and signs for one bit.

#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/detail/straight_through.hpp>
#include <rolewise/support/inline.hpp>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// The least m that gradients are divided by: below it they would overflow single precision.
inline constexpr double least_maximum = 0x1p-80;
/// Factor that scales tiny weights to where 1/m fits single precision. tanh is still the identity
/// there, so the codes are the same, bit for bit.
inline constexpr double tiny_times = 0x1p64;

/// What the backward pass needs of the weights: the bits of their largest magnitude.
struct tanh_weights {
  std::uint32_t largest = 0;
  bool exact = true;  ///< whether the maximum is differentiated

  [[nodiscard]] double magnitude() const
  {
    return static_cast<double>(std::bit_cast<float>(largest));
  }
  /// tanh of the largest magnitude, or 1 for all-zero weights.
  [[nodiscard]] double maximum() const { return largest == 0 ? 1.0 : std::tanh(magnitude()); }
  /// Whether the weights are so small that m is below `least_maximum`.
  [[nodiscard]] bool is_tiny() const { return largest != 0 && magnitude() < least_maximum; }
  /// The same for the weights times `tiny_times`.
  [[nodiscard]] tanh_weights larger() const
  {
    return {std::bit_cast<std::uint32_t>(static_cast<float>(magnitude() * tiny_times)), exact};
  }
  [[nodiscard]] quant_kernels::tanh_map map(double times) const;
};

[[nodiscard]] ROLEWISE_INLINE torch::Tensor tanh_codes_by_passes(const torch::Tensor& w,
                                                                 std::int32_t n,
                                                                 const tanh_weights& known);

/// max |tanh(w)| as a tensor, 1 for all-zero weights.
[[nodiscard]] inline torch::Tensor tanh_maximum(const torch::Tensor& largest)
{
  return largest.tanh().masked_fill(largest.eq(0), 1);
}

[[nodiscard]] ROLEWISE_INLINE torch::Tensor tanh_codes_by_tensors(const torch::Tensor& weights,
                                                                  double n);

/// The backward pass by tensor operations, which can be differentiated again.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor tanh_back_by_tensors(const torch::Tensor& gradient,
                                                                 const torch::Tensor& weights,
                                                                 bool exact);

/// Subtracts the gradient through the maximum from the gradients of the weights of largest
/// magnitude, in equal parts.
ROLEWISE_INLINE void add_part_of_maximum(const blocks& all, const std::vector<char>& holds_largest,
                                         const torch::Tensor& w, const tanh_weights& known,
                                         double sum, float* to);

[[nodiscard]] ROLEWISE_INLINE torch::Tensor tanh_back_by_passes(const torch::Tensor& gradient,
                                                                const torch::Tensor& w,
                                                                const tanh_weights& known);

/// Writes the odd codes of weights to `levels`; returns the gradient proxy of the values.
/// @param exact whether the maximum is differentiated
[[nodiscard]] ROLEWISE_INLINE torch::Tensor gradient_proxy_through_tanh(const torch::Tensor& w,
                                                                        double n, bool exact,
                                                                        torch::Tensor* levels);

/// Signs of x as codes, +1 for 0: int8 where kernels take x, else floating point.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor signs_of(std::string_view who, const torch::Tensor& x);

/// The mean of |x|, 0-dimensional; 0 for an empty tensor.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor mean_magnitude(const torch::Tensor& x);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/detail/implementation/through_tanh.hpp>
#endif
