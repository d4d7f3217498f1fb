// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/mutual_learning.hpp>.

#include <rolewise/train/mutual_learning.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void add_up(loss_terms& sum, loss_terms more)
{
  if (!sum.total.defined()) {
    sum = std::move(more);
    return;
  }
  sum.total = sum.total + more.total;
  for (std::size_t i = 0; i < sum.terms.size(); ++i)
    sum.terms[i].value = sum.terms[i].value + more.terms[i].value;
}

ROLEWISE_INLINE loss_terms divided(loss_terms sum, std::size_t by)
{
  if (by == 1) return sum;
  const auto count = static_cast<double>(by);
  sum.total = sum.total / count;
  for (auto& term : sum.terms) term.value = term.value / count;
  return sum;
}

}  // namespace rolewise::detail
