// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Cost of a search: forward passes for training and for validation.

#include <rolewise/core/fraction.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>
#include <rolewise/train/search_run_options.hpp>

#include <algorithm>
#include <cstdint>

namespace rolewise::systems {

/// Cost of the passes of one example, in units of a forward pass of the trained network.
struct pass_costs {
  double forward = 1.0;
  double backward = 2.0;
  double teacher = 0.0;  ///< its forward pass in training: 1 for a teacher of the same size
};

/// Cost of a search. **Units**: forward passes of one example.
struct search_cost {
  double training = 0.0;
  double validation = 0.0;

  /// Share of validation in the total, in [0, 1].
  [[nodiscard]] double validation_share() const
  {
    return training + validation > 0.0 ? validation / (training + validation) : 0.0;
  }
};

namespace detail {

ROLEWISE_INLINE void require_counts(const char* who, std::int64_t examples,
                                    const search_run_options& options, const pass_costs& each);

[[nodiscard]] ROLEWISE_INLINE double training_passes(std::int64_t search,
                                                     const search_run_options& options,
                                                     const pass_costs& each);

/// Cost of evaluating one example in every round of all trials.
[[nodiscard]] ROLEWISE_INLINE double looks_at_one(const search_run_options& options,
                                                  const pass_costs& each);

}  // namespace detail

/// Cost of a search in which every trial is trained to its end.
/// @param search examples that trials are trained on
/// @param validation examples that they are evaluated on
/// @throws std::invalid_argument for counts below 1, a forward cost that is not above 0, or other
///         costs below 0
[[nodiscard]] ROLEWISE_INLINE search_cost cost_of_search(std::int64_t search,
                                                         std::int64_t validation,
                                                         const search_run_options& options,
                                                         const pass_costs& each = {});

/// The largest number of validation examples that cost less than a share of the search.
///
///     n < s / (1 - s) * training / (cost of one example in all rounds)
///
/// @throws std::invalid_argument for counts below 1, a forward cost that is not above 0, other
///         costs below 0, a share of 0 or 1, and if even one example costs too much
[[nodiscard]] ROLEWISE_INLINE std::int64_t validation_examples(std::int64_t search,
                                                               const search_run_options& options,
                                                               const pass_costs& each = {},
                                                               fraction share = fraction{0.15});

}  // namespace rolewise::systems

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/systems/implementation/search_cost.hpp>
#endif
