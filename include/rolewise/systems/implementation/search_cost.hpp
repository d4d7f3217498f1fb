// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/systems/search_cost.hpp>.

#include <rolewise/systems/search_cost.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise::systems::detail {

ROLEWISE_INLINE void require_counts(const char* who, std::int64_t examples,
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

ROLEWISE_INLINE double training_passes(std::int64_t search, const search_run_options& options,
                                       const pass_costs& each)
{
  return static_cast<double>(options.trials) * static_cast<double>(options.epochs) *
         static_cast<double>(search) * (each.forward + each.backward + each.teacher);
}

ROLEWISE_INLINE double looks_at_one(const search_run_options& options, const pass_costs& each)
{
  const auto evaluations =
      (options.epochs + options.evaluation_interval - 1) / options.evaluation_interval;
  return static_cast<double>(options.trials) * static_cast<double>(evaluations) * each.forward;
}

}  // namespace rolewise::systems::detail

namespace rolewise::systems {

ROLEWISE_INLINE search_cost cost_of_search(std::int64_t search, std::int64_t validation,
                                           const search_run_options& options,
                                           const pass_costs& each)
{
  detail::require_counts("cost_of_search", std::min(search, validation), options, each);
  return {detail::training_passes(search, options, each),
          detail::looks_at_one(options, each) * static_cast<double>(validation)};
}

ROLEWISE_INLINE std::int64_t validation_examples(std::int64_t search,
                                                 const search_run_options& options,
                                                 const pass_costs& each, fraction share)
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
