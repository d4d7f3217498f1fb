// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `clip_gradients`: gradient clipping by the global norm.

#include <rolewise/core/distinct_tensors.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <c10/core/ScalarType.h>

#include <vector>

namespace rolewise {

/// Clips gradients by their global L2 norm: multiplies all of them by one factor, so that the
/// norm is at most `norm`.
///
///     g <- g * min(1, norm / (|all gradients|_2 + 1e-6))
///
/// Computes the same values as `torch.nn.utils.clip_grad_norm_`. Does not synchronize with the
/// device: the factor stays there. A non-finite norm makes gradients non-finite, and so a loss
/// that `fit` reports.
///
/// @par Source
/// Pascanu, Mikolov, Bengio: On the difficulty of training recurrent neural networks, ICML 2013,
/// arXiv 1211.5063, section 3.2.
struct clip_gradients {
  static constexpr bool has_state = false;

  double norm = 5.0;  ///< above 0

  /// Clips the gradients in place. Undefined ones are skipped, and one that is listed twice
  /// counts once. The norm of 16-bit gradients is computed in single precision.
  void operator()(const std::vector<torch::Tensor>& gradients) const;

 private:
  [[nodiscard]] static std::vector<torch::Tensor> wide_norms(
      const std::vector<torch::Tensor>& gradients);
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/clip_gradients.hpp>
#endif
