// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Cost of a search: forward passes for training and for validation.

#include <rolewise/core/fraction.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/search_run_options.hpp>

#include <algorithm>
#include <cmath>
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

inline void require_counts(const char* who, std::int64_t examples,
                           const search_run_options& options, const pass_costs& each)
{
  if (examples < 1 || options.trials < 1 || options.epochs < 1 || options.evaluation_interval < 1)
    throw_invalid_argument(who, "want examples, trials, epochs and evaluation_interval >= 1, got ",
                           examples, ", ", options.trials, ", ", options.epochs, " and ",
                           options.evaluation_interval);
  if (!(each.forward > 0.0 && each.backward >= 0.0 && each.teacher >= 0.0))
    throw_invalid_argument(who, "want a forward pass above 0 and others from 0, got ", each.forward,
                           ", ", each.backward, " and ", each.teacher);
}

[[nodiscard]] inline double training_passes(std::int64_t search, const search_run_options& options,
                                            const pass_costs& each)
{
  return static_cast<double>(options.trials) * static_cast<double>(options.epochs) *
         static_cast<double>(search) * (each.forward + each.backward + each.teacher);
}

/// Cost of evaluating one example in every round of all trials.
[[nodiscard]] inline double looks_at_one(const search_run_options& options, const pass_costs& each)
{
  const auto evaluations =
      (options.epochs + options.evaluation_interval - 1) / options.evaluation_interval;
  return static_cast<double>(options.trials) * static_cast<double>(evaluations) * each.forward;
}

}  // namespace detail

/// Cost of a search in which every trial is trained to its end.
/// @param search examples that trials are trained on
/// @param validation examples that they are evaluated on
/// @throws std::invalid_argument for counts below 1, a forward cost that is not above 0, or other
///         costs below 0
[[nodiscard]] inline search_cost cost_of_search(std::int64_t search, std::int64_t validation,
                                                const search_run_options& options,
                                                const pass_costs& each = {})
{
  detail::require_counts("cost_of_search", std::min(search, validation), options, each);
  return {detail::training_passes(search, options, each),
          detail::looks_at_one(options, each) * static_cast<double>(validation)};
}

/// The largest number of validation examples that cost less than a share of the search.
///
///     n < s / (1 - s) * training / (cost of one example in all rounds)
///
/// @throws std::invalid_argument for counts below 1, a forward cost that is not above 0, other
///         costs below 0, a share of 0 or 1, and if even one example costs too much
[[nodiscard]] inline std::int64_t validation_examples(std::int64_t search,
                                                      const search_run_options& options,
                                                      const pass_costs& each = {},
                                                      fraction share = fraction{0.15})
{
  constexpr auto who = "validation_examples";
  detail::require_counts(who, search, options, each);
  const double s = share.value();
  if (s <= 0.0 || s >= 1.0) throw_invalid_argument(who, "want a share between 0 and 1, got ", s);
  const double most = s / (1.0 - s) * detail::training_passes(search, options, each) /
                      detail::looks_at_one(options, each);
  const auto count = static_cast<std::int64_t>(std::ceil(most)) - 1;
  if (count < 1) throw_invalid_argument(who, "not even one example costs less than a share of ", s);
  return count;
}

}  // namespace rolewise::systems
