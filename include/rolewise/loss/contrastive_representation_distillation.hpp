// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Contrastive representation distillation: embeddings of teacher and student against memories of
/// both.

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/detail/learned_layers.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise {

/// Which examples `contrastive_representation_distillation` draws as negatives.
enum class negative_examples {
  of_other_classes,  ///< all whose label is another
  any_other          ///< all but the example itself
};

namespace detail {

/// The examples that a memory holds: places by id, and which of them are negatives of each.
class contrastive_examples {
 public:
  /// @param labels, ids `[N]`; without ids 0 .. N - 1
  /// @throws std::invalid_argument for others, ids that occur twice, and an example that would have
  ///         no negatives
  void configure(const torch::Tensor& labels, const torch::Tensor& ids, negative_examples which,
                 std::string_view caller);

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(order_.size()); }

  /// The place of each example and those of `count` negatives, drawn with replacement as a function
  /// of (key, epoch, id).
  /// @param ids `[B]`, any device
  /// @return `[B, 1 + count]`, int64, on the CPU
  [[nodiscard]] torch::Tensor places(const torch::Tensor& ids, std::int64_t count, seed key,
                                     std::int64_t epoch, std::string_view caller) const;
  /// The same for a batch of `size` examples.
  /// @throws std::invalid_argument unless the targets have as many ids
  [[nodiscard]] torch::Tensor places(const targets& targets, std::int64_t size, std::int64_t count,
                                     seed key, std::string_view caller) const;

 private:
  /// Orders places so that those which are no negatives of each other are together.
  void exclude(const std::vector<std::int64_t>& label, bool by_class, std::string_view caller);

  std::vector<std::int64_t> ids_, place_of_id_;  // sorted by id
  std::vector<std::int64_t> order_;              // places, those that exclude each other together
  std::vector<std::int64_t> first_, excluded_;   // of each place: range of order_ without negatives
};

/// Cosines of embeddings `[B, D]`, of length 1, and rows of a memory `[N, D]` at `places`
/// `[B, 1 + K]`. The larger intermediate result is `[B, N]` or `[1 + K, D]` for each example.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor memory_products(const torch::Tensor& embeddings,
                                                            const torch::Tensor& memory,
                                                            const torch::Tensor& places);

/// -log h of the first column and -sum log(1 - h) of the others, h = r / (r + 1).
/// @param log_ratios `[B, 1 + K]`, log r
/// @return `[B]`
[[nodiscard]] ROLEWISE_INLINE torch::Tensor contrastive_values(const torch::Tensor& log_ratios);

/// Embeddings of teacher and student, and memories of those of all examples.
struct contrastive_memory {
  struct settings {
    std::int64_t embedding_size, negatives;
    double temperature, momentum;
  };
  /// `[B, 1 + K]` for each network: cosines with the other's memory, and log Z.
  struct similarities {
    torch::Tensor cosines, log_scale;
    double temperature;

    /// log e, e = exp(cosine / T) / Z
    [[nodiscard]] torch::Tensor log_exponentials() const
    {
      return cosines / temperature - log_scale;
    }
  };
  struct similarities_of_both {
    similarities student, teacher;
  };

  bool fixed_teacher = false;  ///< whether nothing learns the teacher's embedding
  linear_layer of_teacher{}, of_student{};
  owned_tensor teacher_rows{}, student_rows{};  ///< `[N, D]`
  owned_tensor log_scale{};                     ///< `[2]`: log Z of the student and of the teacher
  bool has_scale = false;

  void configure(const std::vector<std::int64_t>& teacher, const std::vector<std::int64_t>& student,
                 std::int64_t examples, const settings& with, seed key, std::string_view caller);

  [[nodiscard]] similarities_of_both operator()(const torch::Tensor& teacher,
                                                const torch::Tensor& student,
                                                const torch::Tensor& places, const settings& with,
                                                std::string_view caller) const;

  /// Fixes Z, if it is not, and moves the rows of these examples.
  void remember(const torch::Tensor& teacher, const torch::Tensor& student,
                const torch::Tensor& places, const settings& with, std::string_view caller);

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    const auto visit_teacher = [&](std::string_view name, torch::Tensor& t) {
      fixed_teacher ? archive.buffer(name, t) : archive.parameter(name, t);
    };
    visit_teacher("teacher.weight", *of_teacher.weight);
    visit_teacher("teacher.bias", *of_teacher.bias);
    archive.parameter("student.weight", *of_student.weight);
    archive.parameter("student.bias", *of_student.bias);
    archive.buffer("teacher.memory", *teacher_rows);
    archive.buffer("student.memory", *student_rows);
    archive.buffer("log_scale", *log_scale);
    archive.value("has_scale", has_scale);
  }
};

}  // namespace detail

/// CRD: a lower bound of the mutual information of the embeddings of teacher and student, by
/// telling an example's own embedding of the other network from those of K negatives.
///
///     u = (W x + b) / |W x + b|, of each network; m_i the other network's memory of example i
///     e_i = exp(u . m_i / T) / Z,   h_i = e_i / (e_i + K / N)
///     loss = sum over both networks of mean_examples (-log h_own - sum_negatives log(1 - h_i))
///
/// with N examples in the memory and Z = N * mean of exp(u . m / T) in the first batch. Negatives
/// are drawn of the examples with other labels, or of all others. After each update, the memory m
/// of the batch's examples becomes the direction of `momentum * m + (1 - momentum) * u`.
/// `configure` makes embeddings and memories. Usual: penultimate vectors, weight 0.8 beside
/// `cross_entropy` with weight 1, alone or with `soft_target_kl` with weight 1.
///
///     contrastive_representation_distillation<tap::penultimate>{.labels = data.train.labels,
///                                                               .ids = data.train.ids}
///
/// Memory: 8 N D bytes, and [B, N] numbers in a step where K is large. Ids on another device than
/// the CPU are copied to it, which synchronizes.
///
/// @tparam TeacherTap, StudentTaps the teacher's tap, and the student's if it is another: features
///         `[N, ...]`
/// @par Units
/// Nats.
/// @par Gradients
/// To the student's features and both embeddings; none to the teacher's features and memories.
/// @par Determinism
/// Negatives are a function of (seed, epoch, id); the first weights and memories of the seed and
/// the shapes: uniform in +- 1 / sqrt(fan-in) and +- sqrt(3 / D). On CUDA, LibTorch adds up the
/// gradients of negatives in any order, unless it is told to be deterministic.
/// @par Source
/// Tian, Krishnan, Isola: Contrastive Representation Distillation, 2019, arXiv:1910.10699, section
/// 3.1; memories, Z and defaults as in its code (HobbitLong/RepDistiller, crd/).
/// @par Departs
/// Negatives are drawn with replacement, in the code without where there are enough. The code moves
/// the memory, and fixes Z, by the embeddings of the forward pass; here the embeddings W x + b are
/// those after the update, of the same features. Probabilities are computed in the logarithm,
/// without the code's constants 1e-7.
template<tap_id TeacherTap, tap_id... StudentTaps>
struct contrastive_representation_distillation {
  static_assert(sizeof...(StudentTaps) <= 1,
                "contrastive_representation_distillation wants the teacher's tap, and the "
                "student's if it is another");

  // A parameter of a class type with a default value breaks g++ 12 in templates.
  static constexpr tap_id student_tap = std::array{TeacherTap, StudentTaps...}.back();
  static constexpr std::string_view name = "contrastive-representation-distillation";
  static constexpr taps teacher_taps{TeacherTap};
  static constexpr taps student_taps{student_tap};
  static constexpr bool minimum_at_teacher = false;  // embeddings and memories lie between
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  torch::Tensor labels{};  ///< `[N]`, int64, of the examples to be trained on, on the CPU
  torch::Tensor ids{};     ///< `[N]`, int64, their ids, on the CPU; undefined means 0 .. N - 1
  negative_examples negatives_from = negative_examples::of_other_classes;
  std::int64_t negatives = 16384;     ///< K, at least 1
  std::int64_t embedding_size = 128;  ///< above 0
  double temperature = 0.07;          ///< T, above 0
  double momentum = 0.5;              ///< of the memories, 0 .. 1
  rolewise::seed seed{0};             ///< of negatives, first weights and first memories

  detail::contrastive_examples examples{};  ///< internal, do not set
  detail::contrastive_memory memory{};      ///< internal, do not set

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
    const auto log_noise =
        std::log(static_cast<double>(negatives) / static_cast<double>(examples.size()));
    const auto value = [&](const detail::contrastive_memory::similarities& of) {
      return detail::contrastive_values(of.log_exponentials() - log_noise);
    };
    return detail::mean_of_examples(value(found.student) + value(found.teacher), targets, name)
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
    archive.show("temperature", temperature);
    archive.show("momentum", momentum);
    archive.show("seed", seed);
  }

 private:
  [[nodiscard]] rolewise::seed key() const { return seed.split(purpose{"contrastive"}); }
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

static_assert(DistillationLoss<contrastive_representation_distillation<tap::penultimate>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/contrastive_representation_distillation.hpp>
#endif
