// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/agent/color_jitter.hpp>
#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/composed_warps.hpp>
#include <rolewise/agent/cutout.hpp>
#include <rolewise/agent/horizontal_flip.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/random_resized_crop.hpp>
#include <rolewise/agent/trivial_augment.hpp>

namespace {

using rolewise::AugmentationAgent;
using rolewise::batch;
using rolewise::image_program;
using rolewise::image_subjects;
using rolewise::PlannedAgent;
using rolewise::seed;
using rolewise::training_progress;
using rolewise::agent_must::write_a_program;

struct makes_views {
  static constexpr const char* name = "makes-views";
  static constexpr bool has_state = false;
  batch operator()(const batch& examples, const training_progress&, seed) const { return examples; }
};
static_assert(AugmentationAgent<makes_views> && !PlannedAgent<makes_views>);

struct least_that_conforms : makes_views {
  void plan(const image_subjects&, const training_progress&, seed, image_program&) const {}
};
static_assert(PlannedAgent<least_that_conforms>);

// Each of these violates one requirement.

struct plans_from_hidden_state : makes_views {
  void plan(const image_subjects&, const training_progress&, seed, image_program&) {}
};
static_assert(!write_a_program<plans_from_hidden_state>);

struct wants_pixels : makes_views {
  void plan(const batch&, const training_progress&, seed, image_program&) const {}
};
static_assert(!write_a_program<wants_pixels>);

struct makes_no_view {
  [[maybe_unused]] static constexpr const char* name = "makes-no-view";
  void plan(const image_subjects&, const training_progress&, seed, image_program&) const {}
};
static_assert(write_a_program<makes_no_view> && !PlannedAgent<makes_no_view>);

// A sequence is planned if its parts are.

using rolewise::compose;
static_assert(PlannedAgent<compose<least_that_conforms, rolewise::no_agent>>);
static_assert(PlannedAgent<compose<compose<rolewise::rand_augment>, rolewise::pad_crop_flip>>);
static_assert(!PlannedAgent<compose<least_that_conforms, makes_views>>);
static_assert(AugmentationAgent<compose<least_that_conforms, makes_views>>);
static_assert(PlannedAgent<rolewise::policy_agent> && PlannedAgent<rolewise::trivial_augment>);
static_assert(PlannedAgent<rolewise::cutout>);
static_assert(PlannedAgent<compose<rolewise::random_resized_crop, rolewise::horizontal_flip,
                                   rolewise::color_jitter>>);

// `composed_warps` of a planned agent is a planned agent.

using rolewise::composed_warps;
static_assert(PlannedAgent<composed_warps<least_that_conforms>>);
static_assert(
    PlannedAgent<compose<composed_warps<rolewise::rand_augment>, rolewise::pad_crop_flip>>);
static_assert(
    PlannedAgent<composed_warps<compose<rolewise::policy_agent, rolewise::pad_crop_flip>>>);

}  // namespace
