// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/label_smoothing.hpp>.

#include <rolewise/loss/label_smoothing.hpp>

#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor label_smoothing::operator()(const paired_outputs& pair,
                                                          const targets& targets) const
{
  if (over == smoothed_over::all_classes)
    return cross_entropy{.smoothing = smoothing}(pair, targets);
  const auto& logits = pair.student.logits;
  detail::require_logits(logits, name);
  detail::require_two_classes(logits, name);
  const auto classes = static_cast<double>(logits.size(1));
  const double share = smoothing.value() * classes / (classes - 1.0);
  if (share > 1.0)
    throw_invalid_argument(name, "want a smoothing of at most (C - 1) / C for ", logits.size(1),
                           " classes, got ", smoothing.value());
  return cross_entropy{.smoothing = fraction{share}}(pair, targets);
}

}  // namespace rolewise
