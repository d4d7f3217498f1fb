// expect: turn_trial_states_into_decisions
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/search/search_strategy.hpp>

#include <string_view>
#include <vector>

// A strategy whose call is not const, so it may hold state: its search could not be resumed.
struct remembers {
  static constexpr std::string_view name = "remembers";
#ifdef ROLEWISE_CONTROL
  std::vector<rolewise::search::decision> operator()(
      const rolewise::search::search_space&, const std::vector<rolewise::search::trial_state>&,
      rolewise::seed) const
#else
  std::vector<rolewise::search::decision> operator()(
      const rolewise::search::search_space&, const std::vector<rolewise::search::trial_state>&,
      rolewise::seed)
#endif
  {
    return {};
  }
};

template<rolewise::search::SearchStrategy S>
void search_by(const S&)
{}

void search() { search_by(remembers{}); }
