// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/correlation_congruence.hpp>.

#include <rolewise/loss/correlation_congruence.hpp>

#include <rolewise/loss/detail/weighted_mean.hpp>

#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor correlation_congruence_value(const feature_rows& rows,
                                                           correlation_form form)
{
  if (form == correlation_form::neighbors) {
    const auto apart = (rows.student - rows.teacher).abs();
    const auto pairs = apart.size(0) - 1;
    const auto values = (apart.narrow(0, 0, pairs) * apart.narrow(0, 1, pairs)).sum(1);
    if (!rows.weights.defined()) return values.mean();
    const auto w = rows.weights.to(values.scalar_type());
    return weighted_mean(values, w.narrow(0, 0, pairs) * w.narrow(0, 1, pairs));
  }
  constexpr double as_published = 0.4, twice = 2.0 * as_published;
  const auto kernel = [](const torch::Tensor& embeddings) {
    const auto unit = directions(embeddings);
    const auto cosine = unit.mm(unit.t());
    return (1.0 + twice * cosine + twice * twice / 2.0 * cosine.square()) * std::exp(-twice);
  };
  return mean_of_pairs((kernel(rows.student) - kernel(rows.teacher)).square(), rows);
}

}  // namespace rolewise::detail
