// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/cross_entropy.hpp>.

#include <rolewise/loss/cross_entropy.hpp>

#include <rolewise/loss/detail/target_rows.hpp>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor cross_entropy::operator()(const paired_outputs& pair,
                                                        const targets& targets) const
{
  return detail::cross_entropy_value(detail::hard_targets_of(*this), pair.student.logits, targets);
}

}  // namespace rolewise
