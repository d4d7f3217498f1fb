// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Relational representation distillation: how similar an example is to those in a queue of the
/// teacher's embeddings.

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/detail/learned_layers.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise {

/// When the teacher's embeddings of a batch enter the queue.
enum class queue_order {
  similarities_first,  ///< after the loss: an example is compared with earlier ones alone
  enqueue_first        ///< before it: its own embedding is among those it is compared with
};

/// The temperatures of both softmaxes of `relational_representation_distillation`, and its order.
struct relational_settings {
  temperature of_teacher;  ///< T_t
  temperature of_student;  ///< T_s
  queue_order order;
};

/// The authors' code in 2024, with which the tables of its README were made: the teacher's
/// distribution is the softer one.
inline constexpr relational_settings rrd_of_2024{temperature{0.10}, temperature{0.04},
                                                 queue_order::similarities_first};
/// The authors' code since December 2025: the teacher's distribution is the sharper one.
inline constexpr relational_settings rrd_of_2025{temperature{0.02}, temperature{0.10},
                                                 queue_order::enqueue_first};

namespace detail {

/// The cross-entropy of the softmaxes of similarities to `rows`, for each example.
/// @param teacher, student `[B, D]`, of length 1
/// @param rows `[N, D]`
/// @return `[B]`; its gradient reaches the student's embeddings alone
[[nodiscard]] ROLEWISE_INLINE torch::Tensor relational_values(const torch::Tensor& teacher,
                                                              const torch::Tensor& student,
                                                              const torch::Tensor& rows,
                                                              const relational_settings& by);

/// Embeddings of teacher and student, and the last ones of the teacher.
struct relational_queue {
  linear_layer of_teacher{};  ///< never learned
  linear_layer of_student{};
  owned_tensor rows{};    ///< `[N, D]`, a ring
  std::int64_t next = 0;  ///< the row that the next embedding takes

  void configure(const std::vector<std::int64_t>& teacher, const std::vector<std::int64_t>& student,
                 std::int64_t size, std::int64_t embedding_size, seed key, std::string_view caller);

  /// @return `[B]`
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& teacher, const torch::Tensor& student,
                                         const relational_settings& by,
                                         std::string_view caller) const;

  /// Puts the embeddings of a batch in the place of the oldest ones.
  void push(const torch::Tensor& teacher, std::string_view caller);

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.buffer("teacher.weight", *of_teacher.weight);
    archive.buffer("teacher.bias", *of_teacher.bias);
    archive.parameter("student.weight", *of_student.weight);
    archive.parameter("student.bias", *of_student.bias);
    archive.buffer("rows", *rows);
    archive.value("next", next);
  }

 private:
  [[nodiscard]] torch::Tensor embedded(const torch::Tensor& teacher, std::string_view caller) const;
  [[nodiscard]] torch::Tensor with(const torch::Tensor& embeddings, std::string_view caller) const;
};

}  // namespace detail

/// RRD: an example is as similar to those in a queue for the student as it is for the teacher.
///
///     v = (A x_t + a) / |A x_t + a|,   u = (B x_s + b) / |B x_s + b|
///     p = softmax(Q v / T_t),          q = softmax(Q u / T_s)
///     loss = -mean_examples sum_k p_k log q_k
///
/// Q holds the teacher's embeddings v of the last N examples; those of a batch take the place of
/// the oldest ones. A and a are a random projection, which nothing trains; B and b are learned. The
/// loss is at least the entropy of p. `configure` makes embeddings and queue. Usual: penultimate
/// vectors, weight 1 beside `cross_entropy`, alone or with `soft_target_kl` of weight 1
/// (`systems::rrd_loss`, `systems::rrd_with_kd_loss`).
///
///     relational_representation_distillation<tap::penultimate>{.settings = rrd_of_2025}
///
/// There are two published configurations, with opposite temperatures, so that none is the default:
/// without `.settings` it does not compile.
///
/// Batches of any sizes up to N enter a queue: it is a ring, and N need be no multiple of them.
/// Until N examples were seen, it has rows of random directions. A queue longer than the data set
/// is allowed: it has some examples several times, in embeddings of different views, and the
/// probability p of an example is shared by its copies.
///
/// Memory: 4 N D bytes, in a step twice that with `enqueue_first`, and [B, N] numbers.
///
/// @tparam TeacherTap, StudentTaps the teacher's tap, and the student's if it is another: features
///         `[N, ...]`
/// @par Units
/// Nats.
/// @par Gradients
/// To the student's features and its embedding; none to the teacher's features, its embedding and
/// the queue.
/// @par Determinism
/// First weights and first rows of the queue are a function of the seed and the shapes.
/// @par Source
/// Giakoumoglou, Stathaki: Relational Representation Distillation, 2024, arXiv:2407.12073; code
/// giakoumoglou/rrd, 83cefda.
/// @par Departs
/// The code begins with a queue that is normalized by columns; here rows have length 1. It refuses
/// a queue that is no multiple of the batch size. Its other memory, a row for each example that
/// moves with a momentum, is `relational_memory_distillation`.
template<tap_id TeacherTap, tap_id... StudentTaps>
struct relational_representation_distillation {
  static_assert(sizeof...(StudentTaps) <= 1,
                "relational_representation_distillation wants the teacher's tap, and the student's "
                "if it is another");

  // A parameter of a class type with a default value breaks g++ 12 in templates.
  static constexpr tap_id student_tap = std::array{TeacherTap, StudentTaps...}.back();
  static constexpr std::string_view name = "relational-representation-distillation";
  static constexpr taps teacher_taps{TeacherTap};
  static constexpr taps student_taps{student_tap};
  static constexpr bool minimum_at_teacher = false;  // embeddings lie between
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  relational_settings settings;       ///< `rrd_of_2024`, `rrd_of_2025` or others
  std::int64_t queue_size = 16384;    ///< N, at least the batch size
  std::int64_t embedding_size = 128;  ///< D, above 0
  rolewise::seed seed{0};             ///< of first weights and of the first queue

  detail::relational_queue queue{};  ///< internal, do not set

  /// Makes embeddings and queue, unless they exist for the same shapes.
  /// @throws std::invalid_argument for sizes below 1, and other shapes than those that embeddings
  ///         and queue were made for
  void configure(const feature_shapes& teacher, const feature_shapes& student)
  {
    queue.configure(teacher[TeacherTap], student[student_tap], queue_size, embedding_size,
                    seed.split(purpose{"relational"}), name);
  }

  /// For 16-bit features, computed in single precision. With weights, the mean over examples is
  /// weighted; weights of pixels or tokens count as their mean over the example.
  /// @return `[]`, in the dtype and on the device of the student's features
  /// @throws std::invalid_argument before `configure`, unless the features are `[N, ...]`, floating
  ///         point, alike in N, dtype and device, and for a batch that is larger than the queue
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    const auto& t = pair.teacher.features[TeacherTap];
    const auto& s = pair.student.features[student_tap];
    detail::require_features(t, s, name, tap_name{student_tap}.view());
    return detail::mean_of_examples(queue(t, s, settings, name), targets, name).to(s.scalar_type());
  }

  void after_step(const paired_outputs& pair, const targets&)
  {
    queue.push(pair.teacher.features[TeacherTap], name);
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    queue.visit_state(archive);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("settings", settings);
    archive.show("queue_size", queue_size);
    archive.show("embedding_size", embedding_size);
    archive.show("seed", seed);
  }
};

static_assert(DistillationLoss<relational_representation_distillation<tap::penultimate>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/relational_representation_distillation.hpp>
#endif
