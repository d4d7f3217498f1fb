// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/mean_squared_error.hpp>.

#include <rolewise/train/mean_squared_error.hpp>

#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/class_elements.hpp>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor mean_squared_error::sums(const outputs& found,
                                                       const targets& wanted) const
{
  const torch::NoGradGuard without_graph;
  const auto &x = found.logits, &y = wanted.labels;
  detail::require_class_logits(name, x);
  if (!y.defined() || !y.is_floating_point() || y.sizes() != x.sizes())
    throw_invalid_argument(name, "want labels ", x.sizes(), " of floating point, got ",
                           detail::words_of(y));
  const auto weights = detail::element_weights(name, x, wanted);
  const auto difference = detail::at_least_float(x) - detail::at_least_float(y);
  return at::stack({detail::weighted_total(difference.square().mean(1), weights), weights.sum()});
}

}  // namespace rolewise
