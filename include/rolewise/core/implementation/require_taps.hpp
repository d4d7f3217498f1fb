// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/require_taps.hpp>.

#include <rolewise/core/require_taps.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void require_offered(std::string_view who, const taps& offered, const taps& wanted)
{
  if (!offered.contains(wanted))
    throw_invalid_argument(who, "want ", to_text(wanted.without(offered)),
                           "; the offered taps are ", to_text(offered));
}

ROLEWISE_INLINE outputs delivered(std::string_view who, outputs found, const taps& wanted,
                                  std::int64_t count)
{
  const auto& logits = found.logits;
  if (!logits.defined() || !logits.is_floating_point() || logits.dim() < 2 || logits.dim() > 4 ||
      logits.size(0) != count)
    throw_invalid_argument(who, "want logits of floating point, [", count, ", C], [", count,
                           ", C, L] or [", count, ", C, H, W], got ", form_of(logits));
  const auto there = found.features.available();
  if (!there.contains(wanted))
    throw_invalid_argument(who, "want ", to_text(wanted.without(there)),
                           "; the features that were returned are ", to_text(there));
  for (const auto& [id, value] : found.features)
    if (wanted.contains(id) && (!value.defined() || value.dim() < 1 || value.size(0) != count))
      throw_invalid_argument(who, "want ", tap_name{id}.view(), " of sizes [", count,
                             ", ...], got ", form_of(value));
  if (there == wanted) return found;
  outputs kept{.logits = logits, .features = {}};
  wanted.for_each([&](tap_id id) { kept.features.set(id, found.features[id]); });
  return kept;
}

}  // namespace rolewise::detail
