// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A step of a sub-policy on one image: its parameter, sign and place.

#include <rolewise/agent/image_program.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/policy/sub_policy.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise::detail {

/// What a step does to an image of some size. Of the image's draws, `first` and the three after it:
/// whether the operation is applied, its sign, and the row and column of a cutout.
[[nodiscard]] ROLEWISE_INLINE image_step carried_out(const sub_policy::step& step,
                                                     auto_augment_scale scale,
                                                     const draws& of_image, std::uint64_t first,
                                                     const image_subjects& subjects);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/sub_policy_step.hpp>
#endif
