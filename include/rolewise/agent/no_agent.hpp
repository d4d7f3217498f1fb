// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The agent that shows the examples as they are; the template for one's own.

#include <rolewise/agent/planned_agent.hpp>

namespace rolewise {

/// The batch itself, tensors shared.
struct no_agent {
  static constexpr std::string_view name = "no-agent";
  static constexpr bool has_state = false;

  [[nodiscard]] batch operator()(const batch& examples, const moment&, seed) const
  {
    return examples;
  }

  void plan(const image_subjects&, const moment&, seed, image_program&) const {}
};

static_assert(PlannedAgent<no_agent>);

}  // namespace rolewise
