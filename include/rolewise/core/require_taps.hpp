// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Run-time checks of taps: wanted ones are offered, and the outputs have these and no others.

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rolewise::detail {

/// @throws std::invalid_argument that names the taps that are wanted and not offered
inline void require_offered(std::string_view who, const taps& offered, const taps& wanted)
{
  if (!offered.contains(wanted))
    throw_invalid_argument(who, "want ", to_text(wanted.without(offered)),
                           "; the offered taps are ", to_text(offered));
}

/// dtype and sizes of a tensor, for messages.
[[nodiscard]] inline std::string form_of(const torch::Tensor& t)
{
  return t.defined() ? classic_text(t.scalar_type(), " ", t.sizes()) : "an undefined tensor";
}

/// Checks what a network returned for `count` examples, and drops the features that are not wanted.
/// @throws std::invalid_argument unless the logits are floating-point `[N, C]`, `[N, C, L]` or
///         `[N, C, H, W]` and each wanted tap is there, with N as its first axis
[[nodiscard]] inline outputs delivered(std::string_view who, outputs found, const taps& wanted,
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
