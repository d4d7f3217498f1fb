// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Options and results that both stages of a role-wise search share.

#include <rolewise/core/seed.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/searched_schedule.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/support/namespaces.hpp>
#include <rolewise/systems/search_cost.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/run_history.hpp>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace rolewise::systems {

/// Options of the training on all examples that follows a search.
struct retraining_options {
  std::int64_t epochs = 1;        ///< the schedule that was found is stretched to them
  std::int64_t batch_size = 128;  ///< at least 1
  rolewise::seed seed{0};         ///< of initial weights, views and order
};

/// A trained network and the history of its run.
template<typename Network>
struct trained_network {
  Network network;
  run_history run;
};

/// Result of a policy search.
template<typename Network>
struct found_policies {
  search::search_history history;
  std::int64_t best = 0;  ///< number of the best trial, by `best_trial`
  /// Policies of the best trial, including those of the trials that it was copied from.
  std::vector<search_segment> policies;
  /// Network of the best trial, trained on the search part only; empty if the search trained no
  /// network.
  std::optional<Network> of_search;
  search_cost cost;  ///< counted; a teacher's pass is assumed to cost as much as the student's

  /// The policies as a schedule, stretched to a training of this many epochs.
  [[nodiscard]] policy_schedule schedule(std::int64_t epochs) const
  {
    return stretched(policies, epochs);
  }
};

/// Result of a stage: the policies, and a network trained with them on all examples.
template<typename Network>
struct stage_result {
  found_policies<Network> found;
  trained_network<Network> retrained;
};

namespace detail {

/// Trains a step on all examples, after the search.
template<typename Step>
[[nodiscard]] auto retrained(Step step, const dataset& all, const retraining_options& options)
{
  auto run = fit(step, all,
                 {.epochs = options.epochs,
                  .batch_size = options.batch_size,
                  .seed = options.seed.split(purpose{"order"})});
  return trained_network{step.evaluated(), std::move(run)};
}

}  // namespace detail

}  // namespace rolewise::systems
