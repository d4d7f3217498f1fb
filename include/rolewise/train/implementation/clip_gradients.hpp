// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/clip_gradients.hpp>.

#include <rolewise/train/clip_gradients.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/linalg_vector_norm.h>

#include <optional>

namespace rolewise {

ROLEWISE_INLINE void clip_gradients::operator()(const std::vector<torch::Tensor>& gradients) const
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

ROLEWISE_INLINE std::vector<torch::Tensor> clip_gradients::wide_norms(
    const std::vector<torch::Tensor>& gradients)
{
  std::vector<torch::Tensor> norms;
  for (const auto& g : gradients)
    norms.push_back(at::linalg_vector_norm(g, 2, std::nullopt, false,
                                           c10::promoteTypes(g.scalar_type(), torch::kFloat)));
  return norms;
}

}  // namespace rolewise
