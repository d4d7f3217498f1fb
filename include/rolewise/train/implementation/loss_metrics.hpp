// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/loss_metrics.hpp>.

#include <rolewise/train/loss_metrics.hpp>

namespace rolewise {

ROLEWISE_INLINE metrics metrics_of(loss_terms evaluated)
{
  metrics found{{"loss", evaluated.total.detach()}};
  for (auto& term : evaluated.terms) found.push_back({std::move(term.name), std::move(term.value)});
  return found;
}

}  // namespace rolewise
