// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>

#include <concepts>
#include <tuple>
#include <utility>

namespace {

using namespace rolewise::loss_must;
using rolewise::LossFunction;
using rolewise::paired_outputs;
using rolewise::targets;

struct least_that_conforms {
  static constexpr const char* name = "least";
  static constexpr rolewise::taps student_taps{rolewise::tap::stage<2>};
  torch::Tensor operator()(const paired_outputs&, const targets&) const { return {}; }
};
static_assert(LossFunction<least_that_conforms>);
static_assert(rolewise::DistillationLoss<least_that_conforms>);
static_assert(!rolewise::SupervisedLoss<least_that_conforms>);

struct least_without_teacher : least_that_conforms {
  static constexpr bool reads_teacher = false;
};
static_assert(rolewise::SupervisedLoss<least_without_teacher>);
static_assert(!rolewise::DistillationLoss<least_without_teacher>);

// Each of these violates one requirement.

struct unnamed {
  torch::Tensor operator()(const paired_outputs&, const targets&) const { return {}; }
};
static_assert(!carry_a_name_for_the_report<unnamed>);
static_assert(turn_outputs_and_targets_into_one_tensor<unnamed>);
static_assert(!LossFunction<unnamed>);

struct returns_a_number : least_that_conforms {
  double operator()(const paired_outputs&, const targets&) const { return 0.0; }
};
static_assert(!turn_outputs_and_targets_into_one_tensor<returns_a_number>);
static_assert(!LossFunction<returns_a_number>);

struct changes_as_it_scores : least_that_conforms {
  torch::Tensor operator()(const paired_outputs&, const targets&) { return {}; }
};
static_assert(!turn_outputs_and_targets_into_one_tensor<changes_as_it_scores>);
static_assert(!LossFunction<changes_as_it_scores>);

struct cannot_be_copied : least_that_conforms {
  cannot_be_copied(const cannot_be_copied&) = delete;
};
static_assert(turn_outputs_and_targets_into_one_tensor<cannot_be_copied>);
static_assert(!LossFunction<cannot_be_copied>);

// Sums are flat, join the names of their terms, and want the taps of all.

using rolewise::cross_entropy;
using rolewise::soft_target_kl;
using rolewise::weight;
using rolewise::weighted_sum;

template<typename A, typename B>
concept addable = requires(A a, B b) { a + b; };
template<typename A, typename B>
concept multipliable = requires(A a, B b) { a* b; };

using sum = decltype(0.1 * cross_entropy{} + 0.9 * soft_target_kl{});
static_assert(std::same_as<sum, weighted_sum<cross_entropy, soft_target_kl>>);
static_assert(LossFunction<sum>);
static_assert(rolewise::DistillationLoss<sum> && !rolewise::SupervisedLoss<sum>);
static_assert(rolewise::SupervisedLoss<decltype(2 * cross_entropy{})>);
static_assert(sum::name == "cross-entropy + soft-target-kl");
static_assert(sum::student_taps.empty() && !sum::has_state && rolewise::Stateful<sum>);

using longer = decltype(2 * (std::declval<sum>() + cross_entropy{}));
static_assert(std::same_as<longer, weighted_sum<cross_entropy, soft_target_kl, cross_entropy>>);

using with_a_foreign_loss = decltype(cross_entropy{} + weight{0.5} * least_that_conforms{});
static_assert(std::same_as<with_a_foreign_loss, weighted_sum<cross_entropy, least_that_conforms>>);
static_assert(with_a_foreign_loss::student_taps == least_that_conforms::student_taps);
static_assert(with_a_foreign_loss::teacher_taps.empty());
static_assert(!rolewise::Stateful<with_a_foreign_loss>);  // one term does not declare its state

static_assert(!addable<cross_entropy, int> && !addable<cross_entropy, unnamed>);
static_assert(!multipliable<cross_entropy, double> && !multipliable<double, unnamed>);
static_assert(!multipliable<torch::Tensor, cross_entropy>);

// Constant weights are validated at compile time.
constexpr auto constant = 0.5 * cross_entropy{};
static_assert(std::get<0>(constant.terms()).by.value() == 0.5);

}  // namespace
