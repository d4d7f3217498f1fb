// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `soft_sub_policies` agent: sub-policies whose every slot is a mean of all operations, so
/// that which operation to take is learned by gradient as well.
///
/// data -> [agent] -> teacher/student -> loss -> train -> report

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/policy/sub_policy.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise {

/// Options of `soft_sub_policies`.
struct soft_sub_policy_options {
  std::int64_t sub_policies = 10;    ///< S, at least 1
  double choice_temperature = 0.05;  ///< of the softmax over operations, above 0
  double gate_temperature = 0.1;     ///< of the relaxed Bernoulli gates, above 0
  rolewise::seed seed{0};            ///< of the first parameters
};

/// The operations of a policy vector but cutout, which has a place besides its magnitude: 14.
[[nodiscard]] ROLEWISE_INLINE std::vector<operation> soft_operations();

/// S sub-policies of two slots, one of which is drawn for each image, all alike. A slot does all of
/// its operations O side by side:
///
///     c = softmax(weights / choice temperature)
///     g = relaxed_bernoulli(logit(probabilities); gate temperature)     drawn for image and
///     operation slot(x) = sum_i c_i (g_i O_i(x, +-magnitude_i) + (1 - g_i) x)
///
/// The second slot sees what the first made. At these temperatures a slot is nearly one operation,
/// with which the search ends (`best`). All parameters begin uniform in [0, 1). Probabilities and
/// magnitudes that leave it count as its nearest bound, with the gradient of within.
///
/// Operations are those of `auto_augment` at `auto_augment_scale::even` on 8-bit images, with
/// straight-through gradients: `straight_through_operation`.
///
/// Inputs are images `uint8`, or floating point that is normalized by `batch::normalization`; a
/// view is floating point, normalized, with a graph to the parameters where gradients are enabled.
/// N = 0 is allowed.
///
/// @par Determinism
/// A view is a function of (seed, epoch, id) and of the parameters.
/// @throws std::invalid_argument on other inputs, and for label maps
/// @par Source
/// Hataya, Zdenek, Yoshizoe, Nakayama: Faster AutoAugment: Learning Augmentation Strategies using
/// Backpropagation, 2019, arXiv:1911.06987, sections 3.1 and 3.2; code moskomule/dda.
/// @par Departs
/// Each image draws its sub-policy, gates and signs; the code has one sub-policy and gate for each
/// of eight parts of a batch. Its list has TranslateY twice and no TranslateX. As in DADA every
/// operation with a magnitude has the derivative 1 for it.
class soft_sub_policies {
 public:
  static constexpr std::string_view name = "soft-sub-policies";
  static constexpr bool stays_in_step = true;  // it is trained there

  /// @throws std::invalid_argument for options out of range, no operation, and cutout
  explicit soft_sub_policies(const soft_sub_policy_options& options = {},
                             std::vector<operation> operations = soft_operations());

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  /// Each sub-policy with the likeliest operation of each slot, for `auto_augment` at
  /// `auto_augment_scale::even`: probabilities and magnitudes are rounded to their levels.
  [[nodiscard]] std::vector<sub_policy> best() const;

  [[nodiscard]] const torch::Tensor& weights() const { return *weights_; }  ///< `[S, 2, O]`
  [[nodiscard]] const torch::Tensor& probabilities() const
  {
    return *probabilities_;
  }  ///< likewise
  [[nodiscard]] const torch::Tensor& magnitudes() const { return *magnitudes_; }  ///< likewise
  [[nodiscard]] const std::vector<operation>& operations() const { return operations_; }
  [[nodiscard]] const soft_sub_policy_options& options() const { return options_; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weights", *weights_);
    archive.parameter("probabilities", *probabilities_);
    archive.parameter("magnitudes", *magnitudes_);
  }
  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("options", options_);
    archive.show("operations", operations_);
  }

 private:
  /// What a slot draws for N images: of the chosen sub-policies, `[N, O]` each.
  struct slot_draws {
    torch::Tensor shares, magnitudes;  ///< c g, and magnitudes in [0, 1]; with their graph
    torch::Tensor upward;              ///< bool
  };
  [[nodiscard]] slot_draws drawn(std::int64_t slot, const torch::Tensor& choice,
                                 const batch& examples, const training_progress& progress,
                                 seed key) const;
  /// @param x `[N, C, H, W]` in [0, 1]
  [[nodiscard]] torch::Tensor mixed(const torch::Tensor& x, const slot_draws& by,
                                    const normalization& of) const;

  soft_sub_policy_options options_;
  std::vector<operation> operations_;
  owned_tensor weights_, probabilities_, magnitudes_;
};

static_assert(AugmentationAgent<soft_sub_policies>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/soft_sub_policies.hpp>
#endif
