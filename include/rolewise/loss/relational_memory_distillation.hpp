// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Relational representation distillation with a memory: how similar an example is to itself and to
/// others, as a memory of all examples has them.

#include <rolewise/core/seed.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/contrastive_representation_distillation.hpp>
#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace rolewise {

/// What both softmaxes of `relational_memory_distillation` are taken of.
enum class memory_similarity {
  exponential,  ///< exp(cosine / T) / Z, as the authors' code has it
  cosine        ///< the cosine itself, as with a queue
};

namespace detail {

/// The cross-entropy of the softmaxes of both networks' similarities, for each example.
/// @return `[B]`; its gradient reaches the student's alone
[[nodiscard]] ROLEWISE_INLINE torch::Tensor relational_memory_values(
    const contrastive_memory::similarities_of_both& of, memory_similarity which,
    temperature of_teacher, temperature of_student);

}  // namespace detail

/// RRD with a momentum memory: an example is as similar to itself and to K others for the student
/// as it is for the teacher.
///
///     v = (A x_t + a) / |A x_t + a|,   u = (B x_s + b) / |B x_s + b|
///     e_t,i = exp(v . m_s,i / T) / Z_t,   e_s,i = exp(u . m_t,i / T) / Z_s
///     p = softmax(e_t / T_t),   q = softmax(e_s / T_s),   both over the example and K negatives
///     loss = -mean_examples sum_i p_i log q_i
///
/// m_t,i and m_s,i are a memory's embeddings of example i by teacher and student: as in
/// `contrastive_representation_distillation` (CRD), each network is compared with the memory of the
/// other, after each update the rows of the batch's examples become the direction of `momentum * m
/// + (1 - momentum)` times the embedding, Z is N times the mean of exp(.. / T) in the first batch,
/// and negatives are drawn of the examples with other labels, or of all others. A and a are a
/// random projection, which nothing trains; B and b are learned. The loss is at least the entropy
/// of p. `configure` makes embeddings and memories. Usual: as
/// `relational_representation_distillation`, whose queue the published tables were made with.
///
///     relational_memory_distillation<tap::penultimate>{.labels = data.train.labels,
///                                                      .ids = data.train.ids}
///
/// The e are about 1 / N. Unless an embedding agrees with its row of the memory, they all are, and
/// both softmaxes are uniform with hardly a gradient; where examples are many, prefer
/// `.similarity = memory_similarity::cosine`:
///
///     p = softmax(v . m_s / T_t),   q = softmax(u . m_t / T_s)
///
/// Memory: 8 N D bytes, and [B, N] numbers in a step where K is large. Ids on another device than
/// the CPU are copied to it, which synchronizes.
///
/// @tparam TeacherTap, StudentTaps the teacher's tap, and the student's if it is another: features
///         `[N, ...]`
/// @par Units
/// Nats.
/// @par Gradients
/// To the student's features and its embedding; none to the teacher's features, its embedding and
/// the memories.
/// @par Determinism
/// Negatives are a function of (seed, epoch, id); the first weights and memories of the seed and
/// the shapes. On CUDA, LibTorch adds up the gradients of negatives in any order, unless it is told
/// to be deterministic.
/// @par Source
/// Giakoumoglou, Stathaki: Relational Representation Distillation, 2024, arXiv:2407.12073; code
/// giakoumoglou/rrd, 83cefda, its option `momentum`, with its defaults.
/// @par Departs
/// As CRD: negatives are drawn with replacement, and memory and Z follow the embeddings after the
/// update, of the same features. Cosines in the place of the exponentials are ours.
template<tap_id TeacherTap, tap_id... StudentTaps>
struct relational_memory_distillation {
  static_assert(sizeof...(StudentTaps) <= 1,
                "relational_memory_distillation wants the teacher's tap, and the student's if it "
                "is another");

  // A parameter of a class type with a default value breaks g++ 12 in templates.
  static constexpr tap_id student_tap = std::array{TeacherTap, StudentTaps...}.back();
  static constexpr std::string_view name = "relational-memory-distillation";
  static constexpr taps teacher_taps{TeacherTap};
  static constexpr taps student_taps{student_tap};
  static constexpr bool minimum_at_teacher = false;  // embeddings and memories lie between
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  torch::Tensor labels{};  ///< `[N]`, int64, of the examples to be trained on, on the CPU
  torch::Tensor ids{};     ///< `[N]`, int64, their ids, on the CPU; undefined means 0 .. N - 1
  negative_examples negatives_from = negative_examples::of_other_classes;
  std::int64_t negatives = 16384;     ///< K, at least 1
  std::int64_t embedding_size = 128;  ///< D, above 0
  memory_similarity similarity = memory_similarity::exponential;
  rolewise::temperature of_teacher{0.02};  ///< T_t
  rolewise::temperature of_student{0.10};  ///< T_s
  double temperature = 0.07;               ///< T of the exponentials, above 0
  double momentum = 0.5;                   ///< of the memories, 0 .. 1
  rolewise::seed seed{0};                  ///< of negatives, first weights and first memories

  detail::contrastive_examples examples{};                      ///< internal, do not set
  detail::contrastive_memory memory = {.fixed_teacher = true};  ///< internal, do not set

  /// Makes embeddings and memories, unless they exist for the same shapes.
  /// @throws std::invalid_argument for labels and ids that are not as described, fewer than two
  ///         classes where negatives are of other classes, numbers out of their range, and other
  ///         shapes than those that embeddings and memories were made for
  void configure(const feature_shapes& teacher, const feature_shapes& student)
  {
    examples.configure(labels, ids, negatives_from, name);
    memory.configure(teacher[TeacherTap], student[student_tap], examples.size(), settings(), key(),
                     name);
  }

  /// For 16-bit features, computed in single precision. With weights, the mean over examples is
  /// weighted; weights of pixels or tokens count as their mean over the example. Until the first
  /// update, Z is that of the batch.
  /// @return `[]`, in the dtype and on the device of the student's features
  /// @throws std::invalid_argument before `configure`, unless the features are `[N, ...]`, floating
  ///         point, alike in N, dtype and device, and unless each example has an id of `ids`
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    const auto& t = pair.teacher.features[TeacherTap];
    const auto& s = pair.student.features[student_tap];
    detail::require_features(t, s, name, tap_name{student_tap}.view());
    const auto found = memory(t, s, places(targets, s, negatives), settings(), name);
    return detail::mean_of_examples(
               detail::relational_memory_values(found, similarity, of_teacher, of_student), targets,
               name)
        .to(s.scalar_type());
  }

  void after_step(const paired_outputs& pair, const targets& targets)
  {
    const auto& s = pair.student.features[student_tap];
    memory.remember(pair.teacher.features[TeacherTap], s,
                    places(targets, s, memory.has_scale ? 0 : negatives), settings(), name);
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    memory.visit_state(archive);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("negatives_from", negatives_from);
    archive.show("negatives", negatives);
    archive.show("embedding_size", embedding_size);
    archive.show("similarity", similarity);
    archive.show("of_teacher", of_teacher);
    archive.show("of_student", of_student);
    archive.show("temperature", temperature);
    archive.show("momentum", momentum);
    archive.show("seed", seed);
  }

 private:
  [[nodiscard]] rolewise::seed key() const { return seed.split(purpose{"relational memory"}); }
  [[nodiscard]] detail::contrastive_memory::settings settings() const
  {
    return {embedding_size, negatives, temperature, momentum};
  }
  [[nodiscard]] torch::Tensor places(const targets& targets, const torch::Tensor& features,
                                     std::int64_t count) const
  {
    return examples.places(targets, features.size(0), count, key(), name);
  }
};

static_assert(DistillationLoss<relational_memory_distillation<tap::penultimate>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/relational_memory_distillation.hpp>
#endif
