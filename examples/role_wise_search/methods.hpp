// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The methods that `role_wise_search` compares; each chooses an agent for each role.

#include "../role_wise/job.hpp"
#include "../role_wise/outcome.hpp"

#include <rolewise/search.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace role_wise_search {

/// The options of a search and of the training after it.
struct search_job {
  role_wise::job conditions{};  ///< of every training, in the search and after it
  std::int64_t trials = 6;      ///< of a search, for each role
  std::int64_t interval = 20;   ///< epochs between calls of the search strategy
  std::int64_t search_seed = 1001;
  std::vector<std::string> methods{"population", "none"};
  std::string folder = "role_wise_search";
};

[[nodiscard]] inline std::vector<std::string> known_methods()
{
  return {"population", "random", "rand-augment", "teacher-stddev", "trivial-augment", "none"};
}

/// The agents that a method has chosen, as texts that `role_wise` accepts.
struct found_agents {
  std::string method;
  std::string teacher = "none";
  std::string student = "none";
  double seconds = 0.0;  ///< of both searches in this run of the program
};

/// A method and the outcomes of the networks trained under its agents.
struct method_outcome {
  found_agents agents;
  std::vector<role_wise::outcome> runs;
};

/// A search strategy chosen at run time, population-based or random search, so that a search is
/// compiled once for both. Trials start from random policies, not from an empty one as in
/// Population Based Augmentation: with few exploit steps, a policy has no time to grow.
struct chosen_strategy {
  static constexpr std::string_view name = "policy-search";
  static constexpr bool has_state = false;

  std::variant<rolewise::search::population_based, rolewise::search::random_search> of{};

  [[nodiscard]] std::vector<rolewise::search::decision> operator()(
      const rolewise::search::search_space& space,
      const std::vector<rolewise::search::trial_state>& trial_states, rolewise::seed key) const
  {
    return std::visit([&](const auto& strategy) { return strategy(space, trial_states, key); }, of);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    std::visit([&](const auto& strategy) { archive.show(std::string{strategy.name}, strategy); },
               of);
  }
};

static_assert(rolewise::search::SearchStrategy<chosen_strategy>);

}  // namespace role_wise_search
