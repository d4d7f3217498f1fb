// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/cutmix.hpp>
#include <rolewise/agent/cyclic_views.hpp>
#include <rolewise/agent/hardest_view.hpp>
#include <rolewise/agent/independent_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/random_choice.hpp>
#include <rolewise/core/outputs.hpp>

#include <string_view>

namespace {

using namespace rolewise::agent_must;
using namespace rolewise;

struct least_that_conforms {
  [[maybe_unused]] static constexpr std::string_view name = "least";
  [[maybe_unused]] static constexpr bool has_state = false;
  batch operator()(const batch& examples, const training_progress&, seed) const { return examples; }
};
static_assert(IndependentAgent<least_that_conforms>);
static_assert(IndependentAgent<same_view>);

// Each of these violates one requirement.

struct has_some_state {
  [[maybe_unused]] static constexpr std::string_view name = "stateful";
  batch operator()(const batch& examples, const training_progress&, seed) const { return examples; }
  template<typename Archive>
  void visit_state(Archive&)
  {}
};
static_assert(AugmentationAgent<has_some_state> && not_stay_in_the_step<has_some_state>);
static_assert(!be_unchanged_by_steps<has_some_state> && !IndependentAgent<has_some_state>);

struct says_nothing_of_its_state {
  [[maybe_unused]] static constexpr std::string_view name = "silent";
  batch operator()(const batch& examples, const training_progress&, seed) const { return examples; }
};
static_assert(!be_unchanged_by_steps<says_nothing_of_its_state>);
static_assert(!IndependentAgent<says_nothing_of_its_state>);

struct stays : least_that_conforms {
  [[maybe_unused]] static constexpr bool stays_in_step = true;
};
static_assert(AugmentationAgent<stays> && be_unchanged_by_steps<stays>);
static_assert(!not_stay_in_the_step<stays> && !IndependentAgent<stays>);

struct no_agent_at_all {
  [[maybe_unused]] static constexpr bool has_state = false;
};
static_assert(be_unchanged_by_steps<no_agent_at_all> && not_stay_in_the_step<no_agent_at_all>);
static_assert(!IndependentAgent<no_agent_at_all>);

// Composite agents are independent if their parts are; one that evaluates a network is not.

struct metric {
  [[maybe_unused]] static constexpr bool has_state = false;
  outputs forward(const batch&, taps) const { return {}; }
};
using asks = hardest_view<rand_augment, metric>;
static_assert(AugmentationAgent<asks> && !IndependentAgent<asks>);
static_assert(IndependentAgent<cutmix>);
static_assert(IndependentAgent<compose<rand_augment, cutmix>>);
static_assert(!IndependentAgent<compose<rand_augment, stays>>);
static_assert(IndependentAgent<random_choice<rand_augment, no_agent>>);
static_assert(!IndependentAgent<random_choice<asks, no_agent>>);
static_assert(IndependentAgent<cyclic_views<rand_augment>>);
static_assert(!IndependentAgent<cyclic_views<compose<has_some_state, no_agent>>>);

}  // namespace
