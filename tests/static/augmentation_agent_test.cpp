// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/same_view.hpp>

namespace {

using namespace rolewise::agent_must;
using rolewise::AugmentationAgent;
using rolewise::batch;
using rolewise::seed;
using rolewise::TeacherAgent;
using rolewise::training_progress;

struct least_that_conforms {
  static constexpr const char* name = "least";
  static constexpr bool has_state = false;
  batch operator()(const batch& examples, const training_progress&, seed) const { return examples; }
};
static_assert(AugmentationAgent<least_that_conforms>);

// Each of these violates one requirement.

struct unnamed {
  batch operator()(const batch& examples, const training_progress&, seed) const { return examples; }
};
static_assert(make_a_view_of_a_batch<unnamed>);
static_assert(!carry_a_name_for_the_report<unnamed>);
static_assert(!AugmentationAgent<unnamed>);

struct draws_from_hidden_state : least_that_conforms {
  batch operator()(const batch& examples, const training_progress&, seed) { return examples; }
};
static_assert(carry_a_name_for_the_report<draws_from_hidden_state>);
static_assert(!make_a_view_of_a_batch<draws_from_hidden_state>);
static_assert(!AugmentationAgent<draws_from_hidden_state>);

struct changes_the_batch : least_that_conforms {
  batch operator()(batch& examples, const training_progress&, seed) const { return examples; }
};
static_assert(!make_a_view_of_a_batch<changes_the_batch>);
static_assert(!AugmentationAgent<changes_the_batch>);

struct takes_no_seed : least_that_conforms {
  batch operator()(const batch& examples, const training_progress&) const { return examples; }
};
static_assert(!make_a_view_of_a_batch<takes_no_seed>);
static_assert(!AugmentationAgent<takes_no_seed>);

struct returns_the_images_alone : least_that_conforms {
  torch::Tensor operator()(const batch& examples, const training_progress&, seed) const
  {
    return examples.inputs;
  }
};
static_assert(!make_a_view_of_a_batch<returns_the_images_alone>);
static_assert(!AugmentationAgent<returns_the_images_alone>);

struct cannot_be_copied : least_that_conforms {
  cannot_be_copied() = default;
  cannot_be_copied(const cannot_be_copied&) = delete;
};
static_assert(make_a_view_of_a_batch<cannot_be_copied>);
static_assert(!AugmentationAgent<cannot_be_copied>);

// Types that `TeacherAgent` accepts.

static_assert(TeacherAgent<least_that_conforms> && TeacherAgent<rolewise::no_agent>);
static_assert(TeacherAgent<rolewise::same_view>);
static_assert(!AugmentationAgent<rolewise::same_view>);
static_assert(!TeacherAgent<unnamed>);

// A sequence has the properties of its parts.

struct with_state {
  static constexpr const char* name = "with-state";
  batch operator()(const batch& examples, const training_progress&, seed) const { return examples; }
  template<typename Archive>
  void visit_state(Archive&)
  {}
};
struct looks_at_others : least_that_conforms {
  static constexpr bool mixes = true;
};

using rolewise::compose;
static_assert(AugmentationAgent<compose<least_that_conforms>>);
static_assert(AugmentationAgent<compose<compose<least_that_conforms>, rolewise::no_agent>>);
static_assert(compose<least_that_conforms, rolewise::no_agent>::name == "least + no-agent");
static_assert(!compose<least_that_conforms>::has_state);
static_assert(compose<least_that_conforms, with_state>::has_state);
static_assert(rolewise::state_must::be_shown<compose<least_that_conforms, with_state>>);
static_assert(!rolewise::state_must::be_shown<compose<least_that_conforms>>);
static_assert(rolewise::Stateful<compose<least_that_conforms>>);
static_assert(!compose<least_that_conforms>::mixes);
static_assert(compose<least_that_conforms, looks_at_others>::mixes);

}  // namespace
