// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Similarity-preserving distillation: the pairwise similarities of the examples of a batch.

#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

namespace detail {

[[nodiscard]] ROLEWISE_INLINE torch::Tensor similarity_preserving_value(const feature_rows& rows);

}  // namespace detail

/// SP: squared distance of the normalized similarity matrices of a batch, summed over taps.
///
///     F[n,:] = the features of example n as one row
///     G = F F',  R[i,:] = G[i,:] / ||G[i,:]||,  matrices [N, N]
///     loss = sum_taps ||R_s - R_t||^2 / N^2
///
/// with F' the transpose. Teacher and student may differ in every size but N. Usual: the last stage
/// alone, weight 3000 beside `cross_entropy` with weight 1.
///
///     similarity_preserving<tap::stage<3>>{}
///
/// @tparam Taps the taps of both networks, features `[N, ...]`
/// @par Gradients
/// To the student's features; none to the teacher's. Invariant to rotations of the features and to
/// a factor common to the batch. An example whose features are all 0 has similarity 0 to every
/// other and no gradient.
/// @par Source
/// Tung, Mori: Similarity-Preserving Knowledge Distillation, 2019, arXiv:1907.09682, section 3;
/// weight and layer as in the code of Tian, Krishnan, Isola: Contrastive Representation
/// Distillation, 2019, arXiv:1910.10699 (HobbitLong/RepDistiller, distiller_zoo/SP.py).
template<tap_id... Taps>
struct similarity_preserving {
  static_assert(sizeof...(Taps) > 0, "similarity_preserving wants at least one tap");

  static constexpr std::string_view name = "similarity-preserving";
  static constexpr taps teacher_taps{Taps...};
  static constexpr taps student_taps{Taps...};
  static constexpr bool has_state = false;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  /// For 16-bit features, computed in single precision. With weights, sums over examples are
  /// weighted; examples of weight 0 are left out. Weights of pixels or tokens count as their mean
  /// over the example.
  /// @return `[]`, in the dtype and on the device of the student's first tap
  /// @throws std::invalid_argument unless the features are `[N, ...]` with N > 1, floating point,
  ///         alike in N, dtype and device
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    return detail::sum_over_taps<Taps...>(
        pair, [&](tap_id at, const torch::Tensor& teacher, const torch::Tensor& student) {
          return detail::similarity_preserving_value(
              detail::feature_rows_of(teacher, student, targets, name, tap_name{at}.view()));
        });
  }
};

static_assert(DistillationLoss<similarity_preserving<tap::stage<3>>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/similarity_preserving.hpp>
#endif
