// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Probabilistic knowledge transfer: the neighborhoods of the examples of a batch.

#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

namespace detail {

[[nodiscard]] ROLEWISE_INLINE torch::Tensor probabilistic_knowledge_value(const feature_rows& rows);

}  // namespace detail

/// PKT: KL divergence of the probabilities that examples of the batch are neighbors.
///
///     S[i,j] = (cosine of x_i and x_j + 1) / 2
///     P[i,j] = S[i,j] / sum_k S[i,k]
///     loss = sum_taps mean_{i,j} P_t log((P_t + e) / (P_s + e)),  e = 1e-7
///
/// x_n being the features of example n as one vector. Teacher and student may differ in every size
/// but N. Usual: the penultimate vector, weight 30000 beside `cross_entropy` with weight 1; the
/// mean over N^2 makes the value small.
///
///     probabilistic_knowledge_transfer<tap::penultimate>{}
///
/// @tparam Taps the taps of both networks, features `[N, ...]`
/// @par Units
/// Nats.
/// @par Gradients
/// To the student's features; none to the teacher's. Invariant to the scale of each example's
/// features and to rotations. Features that are all 0 have cosine 0 to every other and no gradient.
/// @par Source
/// Passalis, Tefas: Learning Deep Representations with Probabilistic Knowledge Transfer, 2018,
/// arXiv:1803.10837, section 3; mean, e and the diagonal as in the released code
/// (passalis/probabilistic_kt), weight as in that of Tian, Krishnan, Isola: Contrastive
/// Representation Distillation, 2019, arXiv:1910.10699 (HobbitLong/RepDistiller).
/// @par Departs
/// The code adds e to the lengths of vectors, too, and has no gradient (NaN) for vectors of 0.
template<tap_id... Taps>
struct probabilistic_knowledge_transfer {
  static_assert(sizeof...(Taps) > 0, "probabilistic_knowledge_transfer wants at least one tap");

  static constexpr std::string_view name = "probabilistic-knowledge-transfer";
  static constexpr taps teacher_taps{Taps...};
  static constexpr taps student_taps{Taps...};
  static constexpr bool has_state = false;
  static constexpr bool minimum_at_teacher = false;  // up to about e^2
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  /// For 16-bit features, computed in single precision. With weights, sums and means over examples
  /// are weighted; examples of weight 0 are left out. Weights of pixels or tokens count as their
  /// mean over the example.
  /// @return `[]`, in the dtype and on the device of the student's first tap
  /// @throws std::invalid_argument unless the features are `[N, ...]` with N > 1, floating point,
  ///         alike in N, dtype and device
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    return detail::sum_over_taps<Taps...>(
        pair, [&](tap_id at, const torch::Tensor& teacher, const torch::Tensor& student) {
          return detail::probabilistic_knowledge_value(
              detail::feature_rows_of(teacher, student, targets, name, tap_name{at}.view()));
        });
  }
};

static_assert(DistillationLoss<probabilistic_knowledge_transfer<tap::penultimate>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/probabilistic_knowledge_transfer.hpp>
#endif
