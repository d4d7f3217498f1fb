// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/evaluated_batches.hpp>.

#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/evaluated_batches.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void require_examples(std::string_view who, const batch_source_reference& examples,
                                      std::int64_t batch_size)
{
  if (examples.size() < 1) throw_invalid_argument(who, "'", examples.name(), "' has no examples");
  if (batch_size < 1) throw_invalid_argument(who, "want batch_size >= 1, got ", batch_size);
}

ROLEWISE_INLINE void require_logits_for(std::string_view who, const torch::Tensor& logits,
                                        const torch::Tensor& labels, std::int64_t classes)
{
  auto wanted = labels.sizes().vec();
  if (!labels.is_floating_point()) wanted.insert(wanted.begin() + 1, classes);
  if (!logits.defined() || logits.sizes() != at::IntArrayRef{wanted})
    throw_invalid_argument(
        who, "want logits ", at::IntArrayRef{wanted}, ", got ",
        logits.defined() ? detail::classic_text(logits.sizes()) : "an undefined tensor");
}

}  // namespace rolewise::detail
