// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `no_agent` agent: returns the batch unchanged; a template for custom agents.

#include <rolewise/agent/planned_agent.hpp>

namespace rolewise {

/// Identity agent: returns the batch itself, with shared tensors.
struct no_agent {
  static constexpr std::string_view name = "no-agent";
  static constexpr bool has_state = false;

  [[nodiscard]] batch operator()(const batch& examples, const training_progress&, seed) const
  {
    return examples;
  }

  void plan(const image_subjects&, const training_progress&, seed, image_program&) const {}
};

static_assert(PlannedAgent<no_agent>);

}  // namespace rolewise
