// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A training step that holds a policy and trains nothing.

#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/support/namespaces.hpp>
#include <rolewise/train/training_step.hpp>

namespace rolewise::systems::detail {

/// Step of a search that trains nothing. It has no state: the trial's configuration determines the
/// policy.
struct policy_holder {
  policy_agent agent;

  metrics operator()(const batch&, const training_progress&) const
  {
    return {{"loss", at::zeros({}, torch::kFloat)}};
  }
  template<typename Archive>
  void visit_state(Archive&)
  {}
};

static_assert(TrainingStep<policy_holder>);

}  // namespace rolewise::systems::detail
