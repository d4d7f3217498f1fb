// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/training_step.hpp>

namespace {

using namespace rolewise::step_must;
using rolewise::batch;
using rolewise::metrics;
using rolewise::training_progress;
using rolewise::TrainingStep;

struct least_that_conforms {
  metrics operator()(const batch&, const training_progress&) { return {}; }
  template<typename Archive>
  void visit_state(Archive&)
  {}
};
static_assert(TrainingStep<least_that_conforms>);

// Each of these violates one requirement.

struct shows_nothing {
  metrics operator()(const batch&, const training_progress&) { return {}; }
};
static_assert(!show_all_their_state<shows_nothing>);
static_assert(!TrainingStep<shows_nothing>);

struct denies_its_state {
  [[maybe_unused]] static constexpr bool has_state = false;
  metrics operator()(const batch&, const training_progress&) { return {}; }
};
static_assert(!show_all_their_state<denies_its_state>);
static_assert(!TrainingStep<denies_its_state>);

struct returns_a_loss : least_that_conforms {
  double operator()(const batch&, const training_progress&) { return 0.0; }
};
static_assert(!turn_a_batch_into_metrics<returns_a_loss>);
static_assert(!TrainingStep<returns_a_loss>);

struct knows_no_time : least_that_conforms {
  metrics operator()(const batch&) { return {}; }
};
static_assert(!turn_a_batch_into_metrics<knows_no_time>);
static_assert(!TrainingStep<knows_no_time>);

}  // namespace
