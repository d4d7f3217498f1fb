// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/loss/distillation_loss.hpp>

namespace {

using namespace rolewise::loss_must;
using rolewise::DistillationLoss;
using rolewise::paired_outputs;

struct least_that_conforms {
  static constexpr const char* name = "least";
  torch::Tensor operator()(const paired_outputs&) const { return {}; }
};
static_assert(DistillationLoss<least_that_conforms>);
static_assert(!rolewise::reaches_teacher<least_that_conforms>());

struct teaches_the_teacher : least_that_conforms {
  static constexpr bool reaches_teacher = true;
};
static_assert(DistillationLoss<teaches_the_teacher>);
static_assert(rolewise::reaches_teacher<teaches_the_teacher>());

// Each of these violates one requirement.

struct unnamed {
  torch::Tensor operator()(const paired_outputs&) const { return {}; }
};
static_assert(!carry_a_name_for_the_report<unnamed>);
static_assert(turn_outputs_alone_into_one_tensor<unnamed>);
static_assert(!DistillationLoss<unnamed>);

struct returns_a_number : least_that_conforms {
  double operator()(const paired_outputs&) const { return 0.0; }
};
static_assert(!turn_outputs_alone_into_one_tensor<returns_a_number>);
static_assert(!DistillationLoss<returns_a_number>);

struct changes_as_it_scores : least_that_conforms {
  torch::Tensor operator()(const paired_outputs&) { return {}; }
};
static_assert(!turn_outputs_alone_into_one_tensor<changes_as_it_scores>);
static_assert(!DistillationLoss<changes_as_it_scores>);

struct cannot_be_copied : least_that_conforms {
  cannot_be_copied(const cannot_be_copied&) = delete;
};
static_assert(turn_outputs_alone_into_one_tensor<cannot_be_copied>);
static_assert(!DistillationLoss<cannot_be_copied>);

}  // namespace
