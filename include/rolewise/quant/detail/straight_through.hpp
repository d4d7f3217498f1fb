// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Clip and round with a straight-through gradient, shared by uniform quantizers: by kernels
/// where they apply, else by tensor operations.

#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/detail/kernels/kernel_set.hpp>
#include <rolewise/quant/detail/run_passes.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/support/inline.hpp>

#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::detail {

using quant_kernels::backward_rule;

/// The map of a uniform quantizer: `code = round(clip(x - shift, low, high) * times)`, half to
/// even. Bounds and factor are 0-dimensional or have one entry per index of the first axis;
/// `shift` is 0-dimensional, undefined is 0.
struct affine_code_map {
  torch::Tensor low, high, times, shift;
  std::int64_t zero_point = 0;
  level_range range;  ///< of codes, with the zero point added

  [[nodiscard]] bool fits_unsigned() const { return range.lowest >= 0 && range.highest <= 255; }
  [[nodiscard]] bool fits_signed() const { return range.lowest >= -128 && range.highest <= 127; }
  [[nodiscard]] bool fits_bytes() const { return fits_unsigned() || fits_signed(); }
};

/// Values that a tensor must not contain: activations of any magnitude are clipped, weights must
/// be finite.
enum class nonfinite_policy { nan, nan_and_infinity };

[[nodiscard]] inline double intervals(bit_width bits) { return std::exp2(bits.value()) - 1.0; }

/// A 0-dimensional scale on the device of x, in at least single precision: 1/3 in bfloat16 is off
/// by 0.2 %.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor scale_beside(const torch::Tensor& x, double value);

/// x in at least single precision.
[[nodiscard]] inline torch::Tensor at_least_single(const torch::Tensor& x)
{
  return c10::isReducedFloatingType(x.scalar_type()) ? x.to(torch::kFloat) : x;
}

ROLEWISE_INLINE void refuse_magnitude(std::string_view who, std::uint32_t bits,
                                      nonfinite_policy what);

/// Throws for refused non-finite values (`nonfinite_policy`) of a tensor that kernels do not take.
/// On other devices than the CPU the check would synchronize with the device; there such values
/// propagate to the levels.
ROLEWISE_INLINE void refuse_unfit(std::string_view who, const torch::Tensor& x,
                                  nonfinite_policy what);

ROLEWISE_INLINE void refuse_range(std::string_view who, double low, double high, double times);

[[nodiscard]] ROLEWISE_INLINE std::vector<float> as_floats(const torch::Tensor& x,
                                                           std::size_t count);

/// The code map of each row, for kernels.
[[nodiscard]] ROLEWISE_INLINE std::vector<quant_kernels::code_map> rows_of(
    const affine_code_map& map, std::string_view who);

[[nodiscard]] inline torch::Tensor shifted(const torch::Tensor& x, const affine_code_map& map)
{
  return map.shift.defined() ? x - map.shift : x;
}

/// Codes by tensor operations; in the type of x if it can hold them, else in single precision.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor codes_by_tensors(const torch::Tensor& x,
                                                             const affine_code_map& map);

/// Codes of x: uint8 or int8 where they fit and kernels take x, else floating point.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor codes_of(std::string_view who, const torch::Tensor& x,
                                                     const affine_code_map& map,
                                                     nonfinite_policy what);

/// Gradients from the backward pass of a quantizer: of x, and the sums of `backward_rule` in the
/// shape of the map.
struct gradients_back {
  torch::Tensor to_x;
  torch::Tensor first;
  torch::Tensor second;
};

/// The backward pass by tensor operations, which can be differentiated again.
[[nodiscard]] ROLEWISE_INLINE gradients_back back_by_tensors(backward_rule how,
                                                             const torch::Tensor& gradient,
                                                             const torch::Tensor& x,
                                                             const affine_code_map& map);

[[nodiscard]] inline torch::Tensor in_shape_of(const torch::Tensor& like,
                                               const std::vector<double>& sums)
{
  return at::tensor(sums, torch::kDouble).view(like.sizes());
}

[[nodiscard]] ROLEWISE_INLINE gradients_back back_by_passes(std::string_view who, backward_rule how,
                                                            const torch::Tensor& gradient,
                                                            const torch::Tensor& x,
                                                            const affine_code_map& map);

/// The backward pass, by kernels where they apply, else by tensor operations.
/// @param gradient of the values, passed with ownership: its memory is reused if there is no
///        other reference to it
[[nodiscard]] ROLEWISE_INLINE gradients_back back_through(std::string_view who, backward_rule how,
                                                          torch::Tensor&& gradient,
                                                          const torch::Tensor& x,
                                                          const affine_code_map& map);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/detail/implementation/straight_through.hpp>
#endif
