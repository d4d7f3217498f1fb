// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Correlations of values and of ranks, for example of a cheap proxy with the final score.

#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace rolewise::measurement {

namespace detail {

ROLEWISE_INLINE void require_pairs(std::string_view who, const std::vector<double>& x,
                                   const std::vector<double>& y);

}  // namespace detail

/// The rank of each value, 1 for the least; equal values share the mean of their ranks.
[[nodiscard]] ROLEWISE_INLINE std::vector<double> ranks_of(const std::vector<double>& values);

/// Pearson's correlation: the covariance divided by both standard deviations.
/// @return in [-1, 1]; empty if all values of a side are equal
/// @throws std::invalid_argument for fewer than 2 pairs, or values that are not finite
[[nodiscard]] ROLEWISE_INLINE std::optional<double> pearson(const std::vector<double>& x,
                                                            const std::vector<double>& y);

/// Spearman's rank correlation: Pearson's correlation of the ranks, with mean ranks for ties.
/// @return in [-1, 1]; empty if all values of a side are equal
/// @throws std::invalid_argument for fewer than 2 pairs, or NaN
/// @par Source
/// Spearman: The proof and measurement of association between two things, American Journal of
/// Psychology 15, 1904.
[[nodiscard]] ROLEWISE_INLINE std::optional<double> spearman(const std::vector<double>& x,
                                                             const std::vector<double>& y);

/// Kendall's tau-b: the number of concordant pairs minus that of discordant ones, divided by the
/// geometric mean of the numbers of pairs not tied in x and in y.
/// @return in [-1, 1]; empty if all values of a side are equal
/// @throws std::invalid_argument for fewer than 2 pairs, or NaN
/// @par Source
/// Kendall: The treatment of ties in ranking problems, Biometrika 33, 1945.
[[nodiscard]] ROLEWISE_INLINE std::optional<double> kendall_tau_b(const std::vector<double>& x,
                                                                  const std::vector<double>& y);

}  // namespace rolewise::measurement

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/measurement/implementation/rank_correlation.hpp>
#endif
