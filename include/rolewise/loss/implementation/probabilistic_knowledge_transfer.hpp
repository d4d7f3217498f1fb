// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/probabilistic_knowledge_transfer.hpp>.

#include <rolewise/loss/probabilistic_knowledge_transfer.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor probabilistic_knowledge_value(const feature_rows& rows)
{
  const auto neighbors = [&](const torch::Tensor& features) {
    const auto unit = directions(features);
    const auto near = ((unit.mm(unit.t()) + 1.0) / 2.0).clamp_min(0.0);
    const auto all = rows.weights.defined() ? near.mv(rows.weights) : near.sum(1);
    const auto none = all.eq(0);
    return near / all.masked_fill(none, 1.0).unsqueeze(1);
  };
  constexpr double as_published = 1e-7;
  const auto p = neighbors(rows.teacher), q = neighbors(rows.student);
  return mean_of_pairs(p * ((p + as_published).log() - (q + as_published).log()), rows);
}

}  // namespace rolewise::detail
