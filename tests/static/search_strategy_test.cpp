// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/search/search_strategy.hpp>

namespace {

using namespace rolewise::search::strategy_must;
using rolewise::seed;
using rolewise::search::decision;
using rolewise::search::search_space;
using rolewise::search::SearchStrategy;
using rolewise::search::trial_state;

struct least_that_conforms {
  static constexpr const char* name = "least";
  std::vector<rolewise::search::decision> operator()(
      const rolewise::search::search_space&, const std::vector<rolewise::search::trial_state>&,
      seed) const
  {
    return {};
  }
};
static_assert(rolewise::search::SearchStrategy<least_that_conforms>);

// Each of these violates one requirement.

struct unnamed {
  std::vector<rolewise::search::decision> operator()(
      const rolewise::search::search_space&, const std::vector<rolewise::search::trial_state>&,
      seed) const
  {
    return {};
  }
};
static_assert(!carry_a_name_for_the_report<unnamed>);
static_assert(turn_trial_states_into_decisions<unnamed>);
static_assert(!rolewise::search::SearchStrategy<unnamed>);

struct decides_for_one : least_that_conforms {
  rolewise::search::decision operator()(const rolewise::search::search_space&,
                                        const std::vector<rolewise::search::trial_state>&,
                                        seed) const
  {
    return {};
  }
};
static_assert(!turn_trial_states_into_decisions<decides_for_one>);
static_assert(!rolewise::search::SearchStrategy<decides_for_one>);

struct remembers : least_that_conforms {
  std::vector<rolewise::search::decision> operator()(
      const rolewise::search::search_space&, const std::vector<rolewise::search::trial_state>&,
      seed)
  {
    return {};
  }
};
static_assert(!turn_trial_states_into_decisions<remembers>);
static_assert(!rolewise::search::SearchStrategy<remembers>);

struct writes_into_trial_states : least_that_conforms {
  std::vector<rolewise::search::decision> operator()(const rolewise::search::search_space&,
                                                     std::vector<rolewise::search::trial_state>&,
                                                     seed) const
  {
    return {};
  }
};
static_assert(!turn_trial_states_into_decisions<writes_into_trial_states>);
static_assert(!rolewise::search::SearchStrategy<writes_into_trial_states>);

struct draws_from_elsewhere : least_that_conforms {
  std::vector<rolewise::search::decision> operator()(
      const rolewise::search::search_space&,
      const std::vector<rolewise::search::trial_state>&) const
  {
    return {};
  }
};
static_assert(!turn_trial_states_into_decisions<draws_from_elsewhere>);
static_assert(!rolewise::search::SearchStrategy<draws_from_elsewhere>);

struct cannot_be_copied : least_that_conforms {
  cannot_be_copied(const cannot_be_copied&) = delete;
};
static_assert(turn_trial_states_into_decisions<cannot_be_copied>);
static_assert(!rolewise::search::SearchStrategy<cannot_be_copied>);

}  // namespace
