// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Correlation congruence: relations of the examples of a batch, after learned embeddings.

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/detail/learned_layers.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace rolewise {

/// What `correlation_congruence` compares.
enum class correlation_form {
  neighbors,       ///< products of the deviations of examples that follow each other in the batch
  gaussian_kernel  ///< kernel values of all pairs
};

namespace detail {

/// @param rows embeddings
[[nodiscard]] ROLEWISE_INLINE torch::Tensor correlation_congruence_value(const feature_rows& rows,
                                                                         correlation_form form);

}  // namespace detail

/// CC: relations of examples after learned linear embeddings of teacher and student, in two forms.
///
///     e_n = W x_n + b,  of the teacher and of the student each
///     neighbors: d_n = |e_n of the student - e_n of the teacher|, of each dimension
///         loss = mean_{n < N} sum_dimensions d_n d_(n+1)
///     gaussian_kernel: K[i,j] = exp(-2 g) sum_{p <= 2} (2 g)^p / p! (cosine of e_i and e_j)^p
///         loss = mean_{i,j} (K_s - K_t)^2,  g = 0.4
///
/// x_n being the features of example n as one vector. `neighbors` is what the comparisons of the
/// field compute under this name, with weight 0.02 beside `cross_entropy` with weight 1; it depends
/// on the order of the batch. `gaussian_kernel` is the paper's: the kernel exp(-g |u - v|^2) of
/// embeddings of unit length by its Taylor series. `configure` makes the embeddings; both are
/// trained with the student. Nothing keeps them from becoming constant, which is a minimum, too.
///
///     correlation_congruence<tap::penultimate>{}
///
/// @tparam TeacherTap, StudentTaps the teacher's tap, and the student's if it is another: features
///         `[N, ...]`
/// @par Gradients
/// To the student's features and both embeddings; none to the teacher's features.
/// @par Determinism
/// The first weights are a function of the seed and the shapes: uniform in +- 1 / sqrt(fan-in),
/// LibTorch's default.
/// @par Source
/// Peng, Jin, Liu, Zhou, Wu, Liu, Li, Zhang: Correlation Congruence for Knowledge Distillation,
/// 2019, arXiv:1904.01802, section 3; `neighbors` and embeddings of 128 numbers as in
/// the code of Tian, Krishnan, Isola: Contrastive Representation Distillation, 2019,
/// arXiv:1910.10699 (HobbitLong/RepDistiller, distiller_zoo/CC.py).
template<tap_id TeacherTap, tap_id... StudentTaps>
struct correlation_congruence {
  static_assert(sizeof...(StudentTaps) <= 1,
                "correlation_congruence wants the teacher's tap, and the student's if it is "
                "another");

  // A parameter of a class type with a default value breaks g++ 12 in templates.
  static constexpr tap_id student_tap = std::array{TeacherTap, StudentTaps...}.back();
  static constexpr std::string_view name = "correlation-congruence";
  static constexpr taps teacher_taps{TeacherTap};
  static constexpr taps student_taps{student_tap};
  static constexpr bool minimum_at_teacher = false;  // the embeddings lie between
  static constexpr rolewise::invariances invariances{.student_shift = true, .teacher_shift = true};

  correlation_form form = correlation_form::neighbors;
  std::int64_t embedding_size = 128;  ///< above 0
  rolewise::seed seed{0};             ///< of the first weights

  detail::linear_layer of_teacher{}, of_student{};  ///< internal, do not set

  /// Makes the embeddings, unless they exist for the same shapes.
  /// @throws std::invalid_argument for an embedding size below 1, and for other shapes than those
  ///         that the embeddings were made for
  void configure(const feature_shapes& teacher, const feature_shapes& student)
  {
    const auto key = seed.split(purpose{"correlation-congruence"});
    of_teacher.configure(teacher[TeacherTap], embedding_size, key.split(purpose{"teacher"}), name);
    of_student.configure(student[student_tap], embedding_size, key.split(purpose{"student"}), name);
  }

  /// For 16-bit features, computed in single precision. With weights, a pair counts the product of
  /// its weights; examples of weight 0 are left out. Weights of pixels or tokens count as their
  /// mean over the example.
  /// @return `[]`, in the dtype and on the device of the student's features
  /// @throws std::invalid_argument before `configure`, and unless the features are `[N, ...]` with
  ///         N > 1, floating point, alike in N, dtype and device
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    const auto& student = pair.student.features[student_tap];
    auto rows = detail::feature_rows_of(pair.teacher.features[TeacherTap], student, targets, name,
                                        tap_name{student_tap}.view());
    rows.teacher = of_teacher(rows.teacher, name);
    rows.student = of_student(rows.student, name);
    return detail::correlation_congruence_value(rows, form).to(student.scalar_type());
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("teacher.weight", *of_teacher.weight);
    archive.parameter("teacher.bias", *of_teacher.bias);
    archive.parameter("student.weight", *of_student.weight);
    archive.parameter("student.bias", *of_student.bias);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("form", form);
    archive.show("embedding_size", embedding_size);
    archive.show("seed", seed);
  }
};

static_assert(DistillationLoss<correlation_congruence<tap::penultimate>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/correlation_congruence.hpp>
#endif
