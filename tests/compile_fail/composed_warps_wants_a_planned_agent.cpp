// expect: composed_warps: .agent must satisfy PlannedAgent
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/agent/composed_warps.hpp>

#include <string_view>

// An agent that computes its views itself: it has no plan to compose.
struct own_agent {
  static constexpr std::string_view name = "own";
  static constexpr bool has_state = false;
  rolewise::batch operator()(const rolewise::batch& examples, const rolewise::training_progress&,
                             rolewise::seed) const
  {
    return examples;
  }
#ifdef ROLEWISE_CONTROL
  void plan(const rolewise::image_subjects&, const rolewise::training_progress&, rolewise::seed,
            rolewise::image_program&) const
  {}
#endif
};

auto use() { return rolewise::composed_warps{own_agent{}, rolewise::interpolation::bilinear}; }
