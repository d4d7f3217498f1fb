// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `learned_sub_policies` module: a distribution over the sub-policies of AutoAugment whose
/// probabilities and magnitudes are learned by gradient.
///
/// data -> [agent] -> teacher/student -> loss -> train -> report

#include <rolewise/core/batch.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/relaxed_categorical.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/policy/sub_policy.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace rolewise {

/// Two operations, applied in this order.
using operation_pair = std::array<operation, 2>;

/// All 105 pairs of the 15 operations of a policy vector, each of two different ones.
[[nodiscard]] ROLEWISE_INLINE std::vector<operation_pair> all_operation_pairs();

/// What `learned_sub_policies` shows of N images, and how it was drawn.
struct sub_policy_draw {
  batch view;                             ///< floating point, normalized
  categorical_draw pair;                  ///< `[N, S]`: the sub-policy of each image
  std::array<categorical_draw, 2> gates;  ///< `[N, 2]` each: class 1 where an operation is applied
};

/// A distribution over S sub-policies: for each image one pair of operations is drawn by
/// softmax(weights), and each of the two is applied with probability sigmoid(probabilities), at
/// magnitude sigmoid(magnitudes). All begin as 0: pairs alike, probabilities and magnitudes of .5.
///
/// Images are exactly those of `auto_augment` at `auto_augment_scale::even`: 8-bit, with the
/// nearest of ten magnitude levels. The gradient to a magnitude is straight-through: every pixel of
/// the image, in [0, 1], has the derivative 1 with respect to the magnitude of each operation that
/// was applied to it and has one. Draws have no gradient themselves; they come with what
/// `relax_gradient` takes.
///
/// @par Determinism
/// A draw is a function of (seed, epoch, id) and of the parameters.
/// @par Source
/// Li, Hu, Wang, Hospedales, Robertson, Yang: DADA: Differentiable Automatic Data Augmentation,
/// 2020, arXiv:2003.03780, sections 3.1 to 3.3; code VDIGPKU/DADA.
/// @par Departs
/// Each image has a draw of its own. Probabilities and magnitudes are learned as logits.
class learned_sub_policies {
 public:
  /// @throws std::invalid_argument for no pair
  explicit learned_sub_policies(std::vector<operation_pair> pairs = all_operation_pairs());

  /// @param examples images `uint8`, or floating point that is normalized by their `normalization`
  /// @throws std::invalid_argument for other batches, and for label maps
  [[nodiscard]] sub_policy_draw operator()(const batch& examples, const training_progress& progress,
                                           seed key) const;

  /// The most probable sub-policies, from the first down, for `auto_augment` at
  /// `auto_augment_scale::even`; all if there are fewer. Probabilities and magnitudes are rounded
  /// to their levels.
  /// @throws std::invalid_argument for a negative count
  [[nodiscard]] std::vector<sub_policy> best(std::int64_t count) const;

  /// `[S]`.
  [[nodiscard]] const torch::Tensor& weights() const { return *weights_; }
  /// `[S, 2]`, as logits; likewise magnitudes.
  [[nodiscard]] const torch::Tensor& probabilities() const { return *probabilities_; }
  [[nodiscard]] const torch::Tensor& magnitudes() const { return *magnitudes_; }
  [[nodiscard]] const std::vector<operation_pair>& pairs() const { return pairs_; }

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
    archive.show("pairs", pairs_);
  }

 private:
  [[nodiscard]] torch::Tensor pixels_of(const batch& bytes, const torch::Tensor& of_images,
                                        const torch::Tensor& choice,
                                        const std::array<torch::Tensor, 2>& applied,
                                        const training_progress& progress, seed key) const;

  std::vector<operation_pair> pairs_;
  owned_tensor weights_, probabilities_, magnitudes_;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/learned_sub_policies.hpp>
#endif
