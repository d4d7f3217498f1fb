// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checks of settings that several agents share.

#include <rolewise/support/inline.hpp>

#include <array>
#include <string_view>

namespace rolewise::detail {

ROLEWISE_INLINE void require_probability(std::string_view who, double probability);

/// Throws unless `scale` is a range of fractions of the image area: above 0, at most 1, the
/// smaller one first.
ROLEWISE_INLINE void require_scale(std::string_view who, const std::array<double, 2>& scale);

/// Throws unless `ratio` is a range of aspect ratios: above 0, finite, the smaller one first.
ROLEWISE_INLINE void require_ratio(std::string_view who, const std::array<double, 2>& ratio);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/require_setting.hpp>
#endif
