// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/teacher/teacher.hpp>

namespace {

using namespace rolewise::teacher_must;
using rolewise::batch;
using rolewise::outputs;
using rolewise::taps;
using rolewise::Teacher;

struct least_that_conforms {
  outputs forward(const batch&, taps) const { return {}; }
};
static_assert(Teacher<least_that_conforms>);

struct changes_as_it_predicts {
  outputs forward(const batch&, taps) { return {}; }
};
static_assert(!predict_a_batch_without_being_changed<changes_as_it_predicts>);
static_assert(!Teacher<changes_as_it_predicts>);

struct returns_logits {
  torch::Tensor forward(const batch&, taps) const { return {}; }
};
static_assert(!predict_a_batch_without_being_changed<returns_logits>);

struct cannot_tap {
  outputs forward(const batch&) const { return {}; }
};
static_assert(!predict_a_batch_without_being_changed<cannot_tap>);

struct cannot_be_copied : least_that_conforms {
  cannot_be_copied(const cannot_be_copied&) = delete;
};
static_assert(predict_a_batch_without_being_changed<cannot_be_copied>);
static_assert(!Teacher<cannot_be_copied>);

// Types that `frozen` accepts.

struct least_to_be_frozen {
  outputs predict(const batch&, taps) const { return {}; }
  template<typename Archive>
  void visit_state(Archive&)
  {}
};
static_assert(rolewise::Freezable<least_to_be_frozen>);
static_assert(Teacher<rolewise::frozen_teacher<least_to_be_frozen>>);

struct changes_as_it_is_probed : least_to_be_frozen {
  outputs predict(const batch&, taps) { return {}; }
};
static_assert(!rolewise::frozen_must::predict_without_being_changed<changes_as_it_is_probed>);
static_assert(!rolewise::Freezable<changes_as_it_is_probed>);

struct hides_its_state {
  outputs predict(const batch&, taps) const { return {}; }
};
static_assert(!rolewise::frozen_must::show_their_state<hides_its_state>);
static_assert(!rolewise::Freezable<hides_its_state>);

}  // namespace
