// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/loss/clipped_to_task.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/no_distillation.hpp>
#include <rolewise/loss/soft_target_kl.hpp>

namespace {

using namespace rolewise::combination_must;
using rolewise::GradientCombination;
using rolewise::training_progress;

struct least_that_conforms {
  static constexpr const char* name = "least";
  rolewise::cross_entropy task;
  rolewise::no_distillation distillation;
  torch::Tensor combine(const torch::Tensor& a, const torch::Tensor&,
                        const training_progress&) const
  {
    return a;
  }
};
static_assert(GradientCombination<least_that_conforms>);
static_assert(!rolewise::LossFunction<least_that_conforms>);

using of_role_kd = rolewise::clipped_to_task<rolewise::cross_entropy, rolewise::soft_target_kl>;
static_assert(GradientCombination<of_role_kd>);
static_assert(!rolewise::LossFunction<of_role_kd>);
static_assert(!of_role_kd::has_state && rolewise::Stateful<of_role_kd>);
static_assert(
    std::same_as<decltype(rolewise::clipped_to_task{.task = rolewise::cross_entropy{},
                                                    .distillation = rolewise::soft_target_kl{}}),
                 of_role_kd>);

// Each of these violates one requirement.

struct without_a_task {
  static constexpr const char* name = "no task";
  rolewise::no_distillation distillation;
  torch::Tensor combine(const torch::Tensor& a, const torch::Tensor&,
                        const training_progress&) const
  {
    return a;
  }
};
static_assert(!have_a_task_that_scores<without_a_task>);
static_assert(have_a_distillation_that_scores<without_a_task>);
static_assert(combine_two_gradients_into_one<without_a_task>);
static_assert(carry_a_name_for_the_report<without_a_task>);
static_assert(!GradientCombination<without_a_task>);

struct with_a_number_for_distillation : without_a_task {
  rolewise::cross_entropy task;
  double distillation = 0.0;
};
static_assert(have_a_task_that_scores<with_a_number_for_distillation>);
static_assert(!have_a_distillation_that_scores<with_a_number_for_distillation>);
static_assert(!GradientCombination<with_a_number_for_distillation>);

struct writes_in_place : least_that_conforms {
  void combine(torch::Tensor&, const torch::Tensor&, const training_progress&) const {}
};
static_assert(!combine_two_gradients_into_one<writes_in_place>);
static_assert(!GradientCombination<writes_in_place>);

struct changes_as_it_combines : least_that_conforms {
  torch::Tensor combine(const torch::Tensor& a, const torch::Tensor&, const training_progress&)
  {
    return a;
  }
};
static_assert(!combine_two_gradients_into_one<changes_as_it_combines>);
static_assert(!GradientCombination<changes_as_it_combines>);

struct unnamed : least_that_conforms {
  int name = 0;
};
static_assert(!carry_a_name_for_the_report<unnamed>);
static_assert(!GradientCombination<unnamed>);

}  // namespace
