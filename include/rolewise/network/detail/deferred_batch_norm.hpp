// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `deferred_batch_norm`: a deferred batch norm, fused with the operation that follows.

#include <rolewise/network/detail/added_values.hpp>
#include <rolewise/network/detail/fused_batch_norm.hpp>
#include <rolewise/support/inline.hpp>

#include <optional>
#include <utility>

namespace rolewise::detail {

/// A tensor, or a deferred batch norm with an optional addend.
///
/// Quantization by uniform steps reads the batch norm's input once and writes bytes; the sum in
/// between is never stored, and is recomputed in the backward pass. `tensor()` materializes the
/// result permanently.
class deferred_batch_norm {
 public:
  deferred_batch_norm(torch::Tensor values) : values_{std::move(values)} {}
  deferred_batch_norm(torch::Tensor x, torch::Tensor weight, torch::Tensor bias, norm_lines lines,
                      double epsilon)
      : x_{std::move(x)}, weight_{std::move(weight)}, bias_{std::move(bias)}
  {
    work_.lines = std::move(lines);
    work_.epsilon = epsilon;
  }

  [[nodiscard]] bool is_pending() const { return !values_.defined(); }
  [[nodiscard]] at::IntArrayRef sizes() const
  {
    return is_pending() ? x_.sizes() : values_.sizes();
  }

  /// Returns y + x, in place if y is materialized.
  [[nodiscard]] deferred_batch_norm plus(const torch::Tensor& x) &&;
  [[nodiscard]] deferred_batch_norm plus(const quantized& x) &&;

  [[nodiscard]] const torch::Tensor& tensor()
  {
    if (is_pending()) make();
    return values_;
  }
  [[nodiscard]] torch::Tensor taken()
  {
    (void)tensor();
    return std::move(values_);
  }
  /// Returns max(0, y), in place if y is materialized.
  [[nodiscard]] torch::Tensor rectified() &&
  {
    if (!is_pending()) return values_.relu_();
    work_.is_rectified = true;
    return taken();
  }

  /// Quantizes; `is_pending()` is a precondition.
  [[nodiscard]] quantized codes(const fusible_steps& steps) const;

 private:
  void make();
  [[nodiscard]] bool lies_beside(const torch::Tensor& x) const;
  [[nodiscard]] std::optional<torch::Tensor> addend() const
  {
    return beside_.defined() ? std::optional{beside_} : std::nullopt;
  }

  torch::Tensor values_;
  torch::Tensor x_, weight_, bias_;
  torch::Tensor beside_;  ///< receives the gradient of the addend
  norm_work work_{};
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/deferred_batch_norm.hpp>
#endif
