// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// KD-SVD: relations of the leading singular vectors of the maps of successive stages.

#include <rolewise/loss/detail/feature_maps.hpp>
#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/detail/singular_vectors.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace rolewise {

namespace detail {

/// Squared distance of the kernel values of the vectors of two stages, added over each example.
/// @return `[N]`
[[nodiscard]] ROLEWISE_INLINE torch::Tensor kernel_distances(const singular_pair& before,
                                                             const singular_pair& after);

}  // namespace detail

/// KD-SVD: squared distance of the relations of the leading singular vectors of successive stages.
///
///     v_l = leading right singular vector of an example's map as a matrix [H W, C]
///     R[i,j] = exp(-(v_l[i] - v_(l-1)[j])^2 / 8)
///     loss = sum_{l > 0} mean_examples sum_{i,j} (R of the student - R of the teacher)^2
///
/// The teacher's vector has the sign of a sum of at least 0: after ReLU, all of its entries have
/// that sign. The student's is that of its first `candidates` vectors with the largest cosine in
/// magnitude, with the sign of that. Maps of teacher and student have the same numbers of channels,
/// of any size. The vectors are those of an eigendecomposition of [C, C] or [H W, H W], the
/// smaller, which is the variant KD-EID; with exact numbers they are the same. Usual: all stages,
/// beside `cross_entropy` with gradients clipped to the task's (`clipped_to_task`).
///
///     singular_value_distillation<tap::stage<0>, tap::stage<1>, tap::stage<2>, tap::stage<3>>{}
///
/// @tparam Stages the taps of both networks, two at least: maps `[N, C, H, W]`
/// @par Gradients
/// To the student's features; none to the teacher's. Where singular values are equal, their vectors
/// have no derivative; the gradient there leaves out what turns them into each other.
/// @par Source
/// Lee, Kim, Song: Self-supervised Knowledge Distillation using Singular Value Decomposition, 2018,
/// arXiv:1807.06819, section 3; one vector of the teacher and four of the student as in the code of
/// Role-KD (bigaidream-projects/role-kd).
/// @par Departs
/// The code adds over examples, here it is the mean. It divides by differences of squared singular
/// values, and sets what is not finite to 0; here small differences are damped.
template<tap_id... Stages>
struct singular_value_distillation {
  static_assert(sizeof...(Stages) > 1, "singular_value_distillation wants at least two taps");

  static constexpr std::string_view name = "singular-value-distillation";
  static constexpr taps teacher_taps{Stages...};
  static constexpr taps student_taps{Stages...};
  static constexpr bool has_state = false;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  std::int64_t candidates = 4;  ///< above 0

  /// For 16-bit features, computed in single precision. With weights, the mean over examples is
  /// weighted; weights of pixels or tokens count as their mean over the example.
  /// @return `[]`, in the dtype and on the device of the student's first tap
  /// @throws std::invalid_argument unless the features are `[N, C, H, W]`, floating point, alike in
  ///         N, C, dtype and device
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    torch::Tensor total;
    detail::singular_pair before;
    for (const auto at : std::array{Stages...}) {
      const auto& t = pair.teacher.features[at];
      const auto& s = pair.student.features[at];
      detail::require_maps(t, s, name, at);
      auto after = detail::singular_pair_of(t, s, candidates, name, tap_name{at}.view());
      if (before.teacher.defined()) {
        const auto value =
            detail::mean_of_examples(detail::kernel_distances(before, after), targets, name);
        total = total.defined() ? total + value : value;
      }
      before = std::move(after);
    }
    return total.to(detail::type_of_first<Stages...>(pair.student));
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("candidates", candidates);
  }
};

static_assert(DistillationLoss<singular_value_distillation<tap::stage<1>, tap::stage<2>>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/singular_value_distillation.hpp>
#endif
