// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Images for plans that were drawn before: 8-bit, with their places for ids.

#include <rolewise/core/batch.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise::detail {

/// The images of a batch as 8-bit ones whose ids are their places, where a plan finds what was
/// drawn for them. Without labels.
/// @throws std::invalid_argument whose message begins with `who`, for NaN and for tensors that
/// are no images; as `unit_pixels`
[[nodiscard]] ROLEWISE_INLINE batch in_places(std::string_view who, const batch& examples);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/in_places.hpp>
#endif
