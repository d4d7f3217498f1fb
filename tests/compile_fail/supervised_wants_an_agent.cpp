// expect: supervised: .agent must satisfy AugmentationAgent
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/supervised.hpp>

#include "support/least_student.hpp"

#include <string_view>

// An agent that takes no seed: with its own generator, no view could be reproduced.
struct drawing_agent {
  static constexpr std::string_view name = "drawing";
  static constexpr bool has_state = false;
#ifdef ROLEWISE_CONTROL
  rolewise::batch operator()(const rolewise::batch& examples, const rolewise::training_progress&,
                             rolewise::seed) const
#else
  rolewise::batch operator()(const rolewise::batch& examples, const rolewise::training_progress&)
#endif
  {
    return examples;
  }
};

auto use() { return rolewise::supervised{.student = least_student{}, .agent = drawing_agent{}}; }
