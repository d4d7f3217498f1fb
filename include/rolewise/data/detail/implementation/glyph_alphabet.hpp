// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/detail/glyph_alphabet.hpp>.

#include <rolewise/data/detail/glyph_alphabet.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE std::vector<glyph> glyph_alphabet(seed key, std::int64_t classes)
{
  constexpr int patience = 200;
  std::vector<glyph> result, flipped;
  int apart = 9, in_vain = 0;
  for (std::int64_t attempt = 0; static_cast<std::int64_t>(result.size()) < classes; ++attempt) {
    const auto candidate = drawn_glyph(draws{key, 0, attempt});
    bool fits = candidate != 0;
    for (std::size_t c = 0; fits && c < result.size(); ++c)
      fits = glyph_distance(candidate, result[c], flipped[c]) >= apart;
    if (fits) {
      result.push_back(candidate);
      flipped.push_back(mirrored_glyph(candidate));
      in_vain = 0;
    } else if (++in_vain == patience && apart > 1) {
      --apart;
      in_vain = 0;
    }
  }
  return result;
}

}  // namespace rolewise::detail
