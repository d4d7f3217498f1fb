// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/policy_pictures.hpp>.

#include <rolewise/report/policy_pictures.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::report {

ROLEWISE_INLINE double probability_of(const augmentation_policy& policy, operation what)
{
  const auto first = static_cast<std::int64_t>(what), second = first + policy_operations;
  if (first >= policy_operations)
    throw_invalid_argument("probability_of", "'", name(what), "' is no operation of a policy");
  const auto rest = (augmentation_policy::highest_probability - policy.probability(first)) *
                    (augmentation_policy::highest_probability - policy.probability(second));
  return static_cast<double>(100 - rest) / 100.0;
}

ROLEWISE_INLINE std::optional<double> magnitude_of(const augmentation_policy& policy,
                                                   operation what)
{
  const auto first = static_cast<std::int64_t>(what), second = first + policy_operations;
  if (first >= policy_operations)
    throw_invalid_argument("magnitude_of", "'", name(what), "' is no operation of a policy");
  const bool has_strength =
      policy_parameter(what, 0) != policy_parameter(what, augmentation_policy::highest_magnitude);
  const auto p = policy.probability(first), q = policy.probability(second);
  if (p + q == 0 || !has_strength) return std::nullopt;
  return static_cast<double>(p * policy.magnitude(first) + q * policy.magnitude(second)) /
         static_cast<double>(p + q);
}

ROLEWISE_INLINE heat_map probability_map(const policy_schedule& schedule, std::int64_t epochs)
{
  auto map = detail::over_epochs(
      "probability_map", schedule, epochs,
      [](const augmentation_policy& policy, operation what) -> std::optional<double> {
        const auto probability = probability_of(policy, what);
        if (probability == 0.0) return std::nullopt;
        return probability;
      });
  map.title = "How likely an operation is";
  map.value_label = "probability";
  map.empty_label = "never";
  return map;
}

ROLEWISE_INLINE heat_map magnitude_map(const policy_schedule& schedule, std::int64_t epochs)
{
  auto map = detail::over_epochs("magnitude_map", schedule, epochs, magnitude_of);
  map.title = "How strong an operation is";
  map.greatest = static_cast<double>(augmentation_policy::highest_magnitude);
  map.value_label = "magnitude level";
  map.empty_label = "none";
  return map;
}

}  // namespace rolewise::report
