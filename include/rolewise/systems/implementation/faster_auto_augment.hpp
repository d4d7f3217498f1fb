// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/systems/faster_auto_augment.hpp>.

#include <rolewise/systems/faster_auto_augment.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>
#include <string_view>

namespace rolewise::systems {

ROLEWISE_INLINE adam faster_auto_augment_optimizer()
{
  return {.learning_rate = 1e-3, .beta1 = 0.0, .beta2 = 0.999};
}

ROLEWISE_INLINE learner<soft_sub_policies, adam> faster_auto_augment_policy(
    const soft_sub_policy_options& options)
{
  return {.model = soft_sub_policies{options}, .optimizer = faster_auto_augment_optimizer()};
}

namespace detail {

ROLEWISE_INLINE learner<mlp_discriminator, adam> critic_of_features(std::int64_t width, seed key)
{
  return {.model = mlp_discriminator{width, {.seed = key}},
          .optimizer = faster_auto_augment_optimizer()};
}

ROLEWISE_INLINE std::int64_t half_of(const batch& examples,
                                     const faster_auto_augment_options& options)
{
  constexpr std::string_view who = "faster_auto_augment";
  for (const double weight : {options.penalty, options.label_weight})
    if (!(weight >= 0.0) || !std::isfinite(weight))
      throw_invalid_argument(who, "want finite weights of at least 0, got ", weight);
  if (examples.size() < 2)
    throw_invalid_argument(who, "wants batches of two examples or more, one to augment, got ",
                           examples.size());
  return examples.size() / 2;
}

}  // namespace detail

}  // namespace rolewise::systems
