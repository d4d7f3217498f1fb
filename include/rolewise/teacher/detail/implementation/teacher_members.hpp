// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/teacher/detail/teacher_members.hpp>.

#include <rolewise/teacher/detail/teacher_members.hpp>

#include <rolewise/core/require_taps.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void require_alike(std::string_view who, const std::vector<torch::Tensor>& logits)
{
  require_alike_rows(who, logits);
  for (const auto& each : logits)
    if (each.size(0) != logits.front().size(0))
      throw_invalid_argument(who, "want logits of the same examples, members give ",
                             form_of(logits.front()), " and ", form_of(each));
}

ROLEWISE_INLINE void require_alike_rows(std::string_view who,
                                        const std::vector<torch::Tensor>& logits)
{
  const auto& first = logits.front();
  for (const auto& each : logits) {
    if (!each.defined() || !each.is_floating_point() || each.dim() < 2)
      throw_invalid_argument(who, "want logits [N, C] or [N, C, ...], floating point, got ",
                             form_of(each));
    if (each.sizes().slice(1) != first.sizes().slice(1) ||
        each.scalar_type() != first.scalar_type())
      throw_invalid_argument(who, "want logits alike in shape and dtype, members give ",
                             form_of(first), " and ", form_of(each));
  }
}

ROLEWISE_INLINE torch::Tensor in_single_or_double(const torch::Tensor& logits)
{
  return c10::isReducedFloatingType(logits.scalar_type()) ? logits.to(torch::kFloat) : logits;
}

}  // namespace rolewise::detail
