// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/student/student.hpp>

#include <vector>

namespace {

using namespace rolewise::student_must;
using rolewise::batch;
using rolewise::named_tensor;
using rolewise::outputs;
using rolewise::Student;
using rolewise::taps;

struct least_that_conforms {
  outputs forward(const batch&, taps) { return {}; }
  outputs predict(const batch&, taps) const { return {}; }
  std::vector<named_tensor> parameters() const { return {}; }
  template<typename Archive>
  void visit_state(Archive&)
  {}
};
static_assert(Student<least_that_conforms>);

// Each of these violates one requirement.

struct responds_with_logits : least_that_conforms {
  torch::Tensor forward(const batch&, taps) { return {}; }
};
static_assert(!forward_a_batch_in_training<responds_with_logits>);
static_assert(!Student<responds_with_logits>);

struct changes_as_it_is_probed : least_that_conforms {
  outputs predict(const batch&, taps) { return {}; }
};
static_assert(!predict_without_being_changed<changes_as_it_is_probed>);
static_assert(!Student<changes_as_it_is_probed>);

struct leaves_parameters_unnamed : least_that_conforms {
  std::vector<torch::Tensor> parameters() const { return {}; }
};
static_assert(!name_their_parameters<leaves_parameters_unnamed>);
static_assert(!Student<leaves_parameters_unnamed>);

struct hides_its_state {
  [[maybe_unused]] static constexpr bool has_state = false;
  outputs forward(const batch&, taps) { return {}; }
  outputs predict(const batch&, taps) const { return {}; }
  std::vector<named_tensor> parameters() const { return {}; }
};
static_assert(!rolewise::student_must::show_their_state<hides_its_state>);
static_assert(!Student<hides_its_state>);

struct cannot_be_copied : least_that_conforms {
  cannot_be_copied(const cannot_be_copied&) = delete;
};
static_assert(forward_a_batch_in_training<cannot_be_copied>);
static_assert(!Student<cannot_be_copied>);

}  // namespace
