// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Relational knowledge distillation: distances and angles between the examples of a batch.

#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

namespace detail {

[[nodiscard]] ROLEWISE_INLINE torch::Tensor relational_kd_value(const feature_rows& rows,
                                                                double distance_weight,
                                                                double angle_weight);

}  // namespace detail

/// RKD: Huber loss of the relative distances of pairs and of the angles of triples of examples.
///
///     d[i,j] = |x_j - x_i| / mean of the distances above 0
///     a[i,j,k] = cosine of the angle at x_i between x_j and x_k
///     loss = distance_weight * mean_{i,j} H(d_s - d_t) + angle_weight * mean_{i,j,k} H(a_s - a_t)
///     H(e) = e^2 / 2 if |e| < 1, else |e| - 1/2
///
/// summed over taps, x_n being the features of example n as one vector; the means are over all N^2
/// and N^3 indices. Teacher and student may differ in every size but N. Angles follow from the
/// distances by the law of cosines, in time N^3 and memory N^2. Usual: the penultimate vector,
/// weight 1 beside `cross_entropy` with weight 1.
///
///     relational_kd<tap::penultimate>{}
///     relational_kd<>{.distance_weight = 50, .angle_weight = 100, .of_directions = true}
///
/// The second is the form of role-wise distillation (code bigaidream-projects/role-kd): logits of
/// unit length.
///
/// @tparam Taps the taps of both networks, features `[N, ...]`; without one, the logits
/// @par Gradients
/// To the student's features; none to the teacher's. Invariant to translation, rotation and scale
/// of the features. Where two examples coincide, their distance and the angles along it are 0
/// without a gradient; for angles, up to rounding errors of the largest distance. First derivatives
/// alone: a second one throws.
/// @par Source
/// Park, Kim, Lu, Cho: Relational Knowledge Distillation, 2019, arXiv:1904.05068, section 3.2;
/// means over all indices as in the released code (lenscloth/RKD), weights as in that of Tian,
/// Krishnan, Isola: Contrastive Representation Distillation, 2019, arXiv:1910.10699
/// (HobbitLong/RepDistiller, distiller_zoo/RKD.py).
/// @par Departs
/// Distances are exact: the code takes them from products, where those of close examples are
/// rounding errors, with a least value of 1e-6; in role-kd's, that makes the mean distance count
/// the N pairs of an example with itself.
template<tap_id... Taps>
struct relational_kd {
  static constexpr std::string_view name = "relational-kd";
  static constexpr taps teacher_taps{Taps...};
  static constexpr taps student_taps{Taps...};
  static constexpr bool has_state = false;
  static constexpr rolewise::invariances invariances{.student_shift = sizeof...(Taps) > 0,
                                                     .teacher_shift = sizeof...(Taps) > 0,
                                                     .example_order = true};

  double distance_weight = 25.0;  ///< at least 0
  double angle_weight = 50.0;     ///< at least 0; 0 saves the time N^3
  bool of_directions = false;     ///< of x / |x| in the place of x

  /// For 16-bit features, computed in single precision. With weights, means over examples are
  /// weighted; examples of weight 0 are left out. Weights of pixels or tokens count as their mean
  /// over the example.
  /// @return `[]`, in the dtype and on the device of the student's first tap
  /// @throws std::invalid_argument unless the features are `[N, ...]` with N > 1, floating point,
  ///         alike in N, dtype and device; for a negative weight
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    const auto value = [&](std::string_view where, const torch::Tensor& teacher,
                           const torch::Tensor& student) {
      auto rows = detail::feature_rows_of(teacher, student, targets, name, where);
      if (of_directions) {
        rows.teacher = detail::directions(rows.teacher);
        rows.student = detail::directions(rows.student);
      }
      return detail::relational_kd_value(rows, distance_weight, angle_weight);
    };
    if constexpr (sizeof...(Taps) == 0) {
      const auto& student = pair.student.logits;
      return value("the logits", pair.teacher.logits, student).to(student.scalar_type());
    } else {
      return detail::sum_over_taps<Taps...>(
          pair, [&](tap_id at, const torch::Tensor& teacher, const torch::Tensor& student) {
            return value(tap_name{at}.view(), teacher, student);
          });
    }
  }
};

static_assert(DistillationLoss<relational_kd<tap::penultimate>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/relational_kd.hpp>
#endif
