// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Heat maps of a policy schedule: probability and magnitude of each operation over epochs.

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/report/heat_map.hpp>
#include <rolewise/support/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::report {

/// The probability that at least one of the two pairs of an operation fires when it is reached:
///
///     1 - (1 - p) (1 - q)    for the probabilities p, q of the pairs
///
/// The share of images that an operation changes is lower: an agent stops after two operations.
/// @param what an operation of a policy, not `identity`
[[nodiscard]] inline double probability_of(const augmentation_policy& policy, operation what)
{
  const auto first = static_cast<std::int64_t>(what), second = first + policy_operations;
  if (first >= policy_operations)
    throw_invalid_argument("probability_of", "'", name(what), "' is no operation of a policy");
  const auto rest = (augmentation_policy::highest_probability - policy.probability(first)) *
                    (augmentation_policy::highest_probability - policy.probability(second));
  return static_cast<double>(100 - rest) / 100.0;
}

/// The mean magnitude level, 0 .. 9, of the two pairs of an operation, weighted by probability:
///
///     (p L + q M) / (p + q)    for probabilities p, q and levels L, M
///
/// Empty if both probabilities are 0, and for Invert, Equalize and AutoContrast, which have no
/// magnitude.
/// @param what an operation of a policy, not `identity`
[[nodiscard]] inline std::optional<double> magnitude_of(const augmentation_policy& policy,
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

namespace detail {

/// Heat map with a row for each operation of a policy and a column for each epoch.
template<typename ValueOf>
[[nodiscard]] heat_map over_epochs(std::string_view who, const policy_schedule& schedule,
                                   std::int64_t epochs, ValueOf&& value_of)
{
  constexpr auto most = static_cast<std::int64_t>(most_heat_map_columns);
  if (epochs < 1 || epochs > most)
    throw_invalid_argument(who, "epochs is ", epochs, ", want 1 .. ", most);
  heat_map map{.title = {}, .x_label = "epoch", .row_labels = {}, .rows = {}};
  for (std::int64_t i = 0; i < policy_operations; ++i) {
    const auto what = static_cast<operation>(i);
    map.row_labels.emplace_back(name(what));
    auto& row = map.rows.emplace_back();
    for (std::int64_t epoch = 0; epoch < epochs; ++epoch)
      row.push_back(value_of(schedule.at(epoch), what));
  }
  return map;
}

}  // namespace detail

/// Heat map of `probability_of` each operation, in the order of a policy vector, in epochs 0 ..
/// `epochs` - 1; cells are empty where it is 0.
/// @param epochs 1 .. 10 000
/// @throws std::invalid_argument for other numbers of epochs
[[nodiscard]] inline heat_map probability_map(const policy_schedule& schedule, std::int64_t epochs)
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

/// Heat map of `magnitude_of` each operation, in the order of a policy vector, in epochs 0 ..
/// `epochs` - 1.
/// @param epochs 1 .. 10 000
/// @throws std::invalid_argument for other numbers of epochs
[[nodiscard]] inline heat_map magnitude_map(const policy_schedule& schedule, std::int64_t epochs)
{
  auto map = detail::over_epochs("magnitude_map", schedule, epochs, magnitude_of);
  map.title = "How strong an operation is";
  map.greatest = static_cast<double>(augmentation_policy::highest_magnitude);
  map.value_label = "magnitude level";
  map.empty_label = "none";
  return map;
}

}  // namespace rolewise::report
