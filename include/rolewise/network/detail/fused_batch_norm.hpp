// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Autograd function that fuses batch norm, an addition, and ReLU or quantization.

#include <rolewise/core/autograd.hpp>
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
struct fused_batch_norm : torch::autograd::Function<fused_batch_norm> {
  using optional_tensor = std::optional<torch::Tensor>;

  /// @param beside receives the gradient of the addend
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, const torch::Tensor& bias,
                               const optional_tensor& beside, const optional_tensor& step,
                               const norm_work& work, torch::Tensor* codes);

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list& gradient);

 private:
  struct kept_work : torch::CustomClassHolder {
    explicit kept_work(norm_work all) : work{std::move(all)} {}
    norm_work work;
  };

  [[nodiscard]] static torch::Tensor in_channels(const std::vector<double>& numbers);

  /// The options of the backward kernels; open bounds move to the next representable number
  /// inside.
  [[nodiscard]] static norm_backward_rule way_of(const norm_work& work);

  [[nodiscard]] static torch::autograd::variable_list by_passes(torch::Tensor&& incoming,
                                                                const torch::Tensor& x,
                                                                const norm_work& work,
                                                                bool is_added);

  /// The backward pass by tensor operations, for double backward.
  [[nodiscard]] static torch::autograd::variable_list by_tensors(
      const torch::Tensor& gradient, const torch::Tensor& x, const torch::Tensor& weight,
      const torch::Tensor& bias, const norm_work& work, bool is_added);
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/fused_batch_norm.hpp>
#endif
