// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/similarity_preserving.hpp>.

#include <rolewise/loss/similarity_preserving.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor similarity_preserving_value(const feature_rows& rows)
{
  const auto similarities = [&](const torch::Tensor& features) {
    const auto all = features.mm(features.t());
    return directions(rows.weights.defined() ? all * rows.weights.sqrt() : all);
  };
  const auto apart = (similarities(rows.student) - similarities(rows.teacher)).square().sum(1);
  if (!rows.weights.defined()) return apart.mean() / static_cast<double>(apart.size(0));
  return (apart * rows.weights).sum() / rows.count.square().clamp_min(1.0);
}

}  // namespace rolewise::detail
