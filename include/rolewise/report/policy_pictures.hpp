// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Heat maps of a policy schedule: probability and magnitude of each operation over epochs.

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/report/heat_map.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

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
[[nodiscard]] ROLEWISE_INLINE double probability_of(const augmentation_policy& policy,
                                                    operation what);

/// The mean magnitude level, 0 .. 9, of the two pairs of an operation, weighted by probability:
///
///     (p L + q M) / (p + q)    for probabilities p, q and levels L, M
///
/// Empty if both probabilities are 0, and for Invert, Equalize and AutoContrast, which have no
/// magnitude.
/// @param what an operation of a policy, not `identity`
[[nodiscard]] ROLEWISE_INLINE std::optional<double> magnitude_of(const augmentation_policy& policy,
                                                                 operation what);

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
[[nodiscard]] ROLEWISE_INLINE heat_map probability_map(const policy_schedule& schedule,
                                                       std::int64_t epochs);

/// Heat map of `magnitude_of` each operation, in the order of a policy vector, in epochs 0 ..
/// `epochs` - 1.
/// @param epochs 1 .. 10 000
/// @throws std::invalid_argument for other numbers of epochs
[[nodiscard]] ROLEWISE_INLINE heat_map magnitude_map(const policy_schedule& schedule,
                                                     std::int64_t epochs);

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/policy_pictures.hpp>
#endif
