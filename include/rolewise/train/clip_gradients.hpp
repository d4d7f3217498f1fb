// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `clip_gradients`: gradient clipping by the global norm.

#include <rolewise/core/distinct_tensors.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <c10/core/ScalarType.h>

#include <optional>
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
  void operator()(const std::vector<torch::Tensor>& gradients) const
  {
    if (!(norm > 0.0)) throw_invalid_argument("clip_gradients", "want norm > 0, got ", norm);
    const torch::NoGradGuard without_graph;
    std::vector<torch::Tensor> present;
    distinct_tensors known;
    bool has_16_bits = false;
    for (const auto& g : gradients) {
      if (!g.defined() || !known.add(g)) continue;
      present.push_back(g);
      has_16_bits = has_16_bits || c10::isReducedFloatingType(g.scalar_type());
    }
    if (present.empty()) return;

    // One norm per tensor in one call, then the global norm on the first gradient's device. The
    // norm of 16-bit gradients may exceed their range.
    auto norms = has_16_bits ? wide_norms(present) : at::_foreach_norm(present, 2);
    const auto home = norms.front().device();
    for (auto& n : norms) n = n.to(home);
    const auto length = at::linalg_vector_norm(at::stack(norms));
    const auto factor = (norm / (length + 1e-6)).clamp_max_(1.0);
    for (const auto& g : present) {
      if (g.device() != home) {
        for (const auto& each : present) each.mul_(factor.to(each.device()));
        return;
      }
    }
    if (has_16_bits)
      for (const auto& g : present)  // a small factor loses precision in fp16
        g.copy_(g.to(c10::promoteTypes(g.scalar_type(), factor.scalar_type())) * factor);
    else
      at::_foreach_mul_(present, factor);
  }

 private:
  [[nodiscard]] static std::vector<torch::Tensor> wide_norms(
      const std::vector<torch::Tensor>& gradients)
  {
    std::vector<torch::Tensor> norms;
    for (const auto& g : gradients)
      norms.push_back(at::linalg_vector_norm(g, 2, std::nullopt, false,
                                             c10::promoteTypes(g.scalar_type(), torch::kFloat)));
    return norms;
  }
};

}  // namespace rolewise
