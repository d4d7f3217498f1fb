// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/soft_target_kl.hpp>.

#include <rolewise/loss/soft_target_kl.hpp>

#include <rolewise/loss/detail/target_rows.hpp>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor soft_target_kl::operator()(const paired_outputs& pair,
                                                         const targets& targets) const
{
  return detail::soft_target_value(detail::soft_targets_of(*this), pair, targets);
}

}  // namespace rolewise
