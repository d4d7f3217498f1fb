// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/schedule.hpp>

namespace {

using namespace rolewise::schedule_must;
using rolewise::moment;
using rolewise::Schedule;

struct least_that_conforms {
  double operator()(const moment&) const { return 1.0; }
};
static_assert(Schedule<least_that_conforms>);

// Each of these violates one requirement.

struct remembers {
  double operator()(const moment&) { return 1.0; }
};
static_assert(!turn_a_moment_into_a_factor<remembers>);
static_assert(!Schedule<remembers>);

struct counts_steps {
  double operator()(int) const { return 1.0; }
};
static_assert(!turn_a_moment_into_a_factor<counts_steps>);
static_assert(!Schedule<counts_steps>);

struct cannot_be_copied : least_that_conforms {
  cannot_be_copied(const cannot_be_copied&) = delete;
};
static_assert(turn_a_moment_into_a_factor<cannot_be_copied>);
static_assert(!Schedule<cannot_be_copied>);

}  // namespace
