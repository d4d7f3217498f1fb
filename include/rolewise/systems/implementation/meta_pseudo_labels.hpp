// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/systems/meta_pseudo_labels.hpp>.

#include <rolewise/systems/meta_pseudo_labels.hpp>

namespace rolewise::systems {

ROLEWISE_INLINE torch::Tensor uda_consistency(const torch::Tensor& weak,
                                              const torch::Tensor& strong,
                                              const meta_pseudo_label_options& with)
{
  if (!weak.defined() || !strong.defined() || weak.dim() != 2 || weak.sizes() != strong.sizes())
    throw_invalid_argument("uda_consistency", "want logits [N, C] of both views, alike");
  const auto p = (weak.detach() / with.temperature.value()).softmax(1);
  const auto counts = p.amax(1).ge(with.threshold.value());
  return -((p * strong.log_softmax(1)).sum(1) * counts).mean();
}

ROLEWISE_INLINE torch::Tensor feedback_baseline::operator()(const torch::Tensor& fall,
                                                            fraction rate)
{
  const torch::NoGradGuard without_graph;
  const auto here = fall.to(torch::kFloat);
  if (mean_->device() != here.device()) *mean_ = mean_->to(here.device());
  mean_->lerp_(here, rate.value());
  return here - *mean_;
}

}  // namespace rolewise::systems
