// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Autograd function that fuses batch norm, an addition, and ReLU or quantization.

#include <rolewise/core/tensor.hpp>
#include <rolewise/network/detail/norm_passes.hpp>
#include <rolewise/quant/fusible_steps.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// The operations that `fused_batch_norm` fuses, with their parameters.
struct norm_work {
  norm_lines lines{};
  double epsilon = 0.0;
  /// The tensor to add, float or uint8, and how to dequantize it.
  torch::Tensor beside{};
  norm_kernels::addend addend{};
  bool is_rectified = false;  ///< apply ReLU to the sum; if it is quantized, the steps decide
  /// The quantization of the sum, if any.
  std::optional<fusible_steps> steps{};

  /// Whether the gradient is masked, by ReLU or clipping.
  [[nodiscard]] bool holds_back() const { return is_rectified || steps.has_value(); }

  /// The addend with its current data pointer.
  [[nodiscard]] norm_kernels::addend added() const;
};

/// y = batch norm of x + addend, optionally with ReLU; or a gradient proxy for its codes, which are
/// written to `codes`.
///
/// Intermediate values are not stored: the backward pass recomputes them.
/// @param beside receives the gradient of the addend
[[nodiscard]] ROLEWISE_INLINE torch::Tensor fused_batch_norm_of(
    const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
    const std::optional<torch::Tensor>& beside, const std::optional<torch::Tensor>& step,
    const norm_work& work, torch::Tensor* codes);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/fused_batch_norm.hpp>
#endif
