// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/sub_policy_step.hpp>.

#include <rolewise/agent/detail/sub_policy_step.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE image_step carried_out(const sub_policy::step& step, auto_augment_scale scale,
                                       const draws& of_image, std::uint64_t first,
                                       const image_subjects& subjects)
{
  if (of_image.uniform(first) >= static_cast<double>(step.probability) / 10.0) return {};
  const auto value =
      auto_augment_parameter(step.what, step.magnitude, subjects.height, subjects.width, scale);
  const auto turned = [&] {
    if (has_sign(step.what)) return -value;
    if (scale == auto_augment_scale::even && is_enhancer(step.what)) return 2.0 - value;
    return value;
  };
  return {step.what, of_image.coin(first + 1) ? turned() : value,
          of_image.below(first + 2, subjects.height), of_image.below(first + 3, subjects.width)};
}

}  // namespace rolewise::detail
