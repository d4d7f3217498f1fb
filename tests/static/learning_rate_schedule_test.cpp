// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/learning_rate_schedule.hpp>

namespace {

using namespace rolewise::schedule_must;
using rolewise::LearningRateSchedule;
using rolewise::training_progress;

struct least_that_conforms {
  double operator()(const training_progress&) const { return 1.0; }
};
static_assert(LearningRateSchedule<least_that_conforms>);

// Each of these violates one requirement.

struct remembers {
  double operator()(const training_progress&) { return 1.0; }
};
static_assert(!turn_training_progress_into_a_factor<remembers>);
static_assert(!LearningRateSchedule<remembers>);

struct counts_steps {
  double operator()(int) const { return 1.0; }
};
static_assert(!turn_training_progress_into_a_factor<counts_steps>);
static_assert(!LearningRateSchedule<counts_steps>);

struct cannot_be_copied : least_that_conforms {
  cannot_be_copied(const cannot_be_copied&) = delete;
};
static_assert(turn_training_progress_into_a_factor<cannot_be_copied>);
static_assert(!LearningRateSchedule<cannot_be_copied>);

}  // namespace
