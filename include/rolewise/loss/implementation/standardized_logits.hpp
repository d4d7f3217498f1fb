// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/standardized_logits.hpp>.

#include <rolewise/loss/standardized_logits.hpp>

#include <rolewise/loss/detail/require_logits.hpp>

#include <ATen/ops/std.h>

namespace rolewise::detail {

ROLEWISE_INLINE paired_outputs with_standardized_logits(paired_outputs pair, bool reads_teacher,
                                                        double epsilon, std::string_view caller)
{
  require_logits(pair.student.logits, caller);
  require_two_classes(pair.student.logits, caller);
  const auto standardize = [&](torch::Tensor& logits) {
    const auto exact = wide_enough(logits);
    const auto deviation = at::std(exact, at::IntArrayRef{1}, true, true);
    logits =
        ((exact - exact.mean(1, true)) / (deviation + epsilon)).masked_fill(deviation.eq(0), 0.0);
  };
  if (reads_teacher) {
    require_alike(pair.teacher.logits, pair.student.logits, caller);
    standardize(pair.teacher.logits);
  }
  standardize(pair.student.logits);
  return pair;
}

}  // namespace rolewise::detail
