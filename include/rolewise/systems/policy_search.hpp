// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What both stages of a role-wise search have in common.

#include <rolewise/agent/augmentation_policy.hpp>
#include <rolewise/agent/searched_schedule.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/systems/search_cost.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/run_history.hpp>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace rolewise {

/// The training that follows a search, on all examples.
struct retraining_options {
  std::int64_t epochs = 1;        ///< the schedule that was found is stretched to them
  std::int64_t batch_size = 128;  ///< at least 1
  rolewise::seed seed{0};         ///< of first weights, views and order
};

/// A network that was trained, and how.
template<typename Network>
struct trained_network {
  Network network;
  run_history run;
};

/// What a search for policies has come to.
template<typename Network>
struct found_policies {
  search_history history;
  std::int64_t best = 0;  ///< the trial, by `best_trial`
  /// What the best trial and those that it was copied from followed.
  std::vector<search_segment> policies;
  /// The best trial's network, which has learned from the search part alone; nothing if the search
  /// trained no network.
  std::optional<Network> of_search;
  search_cost cost;  ///< counted; a teacher's pass is taken to cost as much as the student's

  /// The policies, stretched to a training of so many epochs.
  [[nodiscard]] policy_schedule schedule(std::int64_t epochs) const
  {
    return stretched(policies, epochs);
  }
};

/// What a stage has come to: policies, and a network that was trained on all examples with them.
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
  return trained_network{step.learner(), std::move(run)};
}

}  // namespace detail

}  // namespace rolewise
