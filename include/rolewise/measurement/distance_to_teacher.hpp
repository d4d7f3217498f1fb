// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// How far a student's outputs are from a teacher's.

#include <rolewise/core/device_of.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/teacher/teacher.hpp>
#include <rolewise/train/evaluable.hpp>

#include <cstdint>

namespace rolewise::measurement {

/// Options of `distance_to_teacher`.
struct distance_options {
  rolewise::temperature temperature{1.0};  ///< of the divergence
  std::int64_t top_k = 1;                  ///< of the agreement, at least 1
  std::int64_t batch_size = 256;
};

/// Distances between the outputs of a student and a teacher, means over examples (or pixels, or
/// tokens).
struct teacher_distance {
  double divergence = 0.0;  ///< T^2 KL(teacher || student) at temperature T, nats times T^2
  double euclidean = 0.0;   ///< |z_s - z_t| of the logits
  double agreement = 0.0;   ///< how often the teacher's top-1 class is among the student's top k
  std::int64_t count = 0;   ///< examples, pixels or tokens
};

namespace detail {

class distance_sums {
 public:
  ROLEWISE_INLINE void add(const torch::Tensor& teacher, const torch::Tensor& student,
                           const distance_options& options);
  /// @throws std::invalid_argument without examples
  [[nodiscard]] ROLEWISE_INLINE teacher_distance means() const;

 private:
  teacher_distance sums_;
};

}  // namespace detail

/// Computes the distances of a student to a teacher on examples, each as it is in the data, in
/// double precision. They need no labels, and go on falling where the accuracy does not change any
/// more: a student that matches its teacher's function has small ones on data of either split.
///
///     measurement::distance_to_teacher(teacher, training.evaluated(), data.test).divergence
///
/// Where several classes have the student's same logit, the first of them count as higher.
///
/// @throws std::invalid_argument unless both have logits of one shape, there are examples, and
///         `top_k` is one of 1 .. C
/// @par Source
/// Beyer, Zhai, Royer, Markeeva, Anil, Kolesnikov: Knowledge distillation: A good teacher is
/// patient and consistent, 2021, arXiv:2106.05237, by its code, google-research/big_vision,
/// 0127fb6.
template<Teacher T, Evaluable S, BatchSource Source>
[[nodiscard]] teacher_distance distance_to_teacher(const T& teacher, const S& student,
                                                   const Source& data,
                                                   const distance_options& options = {})
{
  const torch::NoGradGuard without_graph;
  const auto logits_of = [](const auto& network, const batch& examples) {
    return evaluated_outputs(network, rolewise::detail::on_device_of(network, examples)).logits;
  };
  detail::distance_sums sums;
  for (const batch& examples : batches(data, {.size = options.batch_size, .shuffle = false}))
    sums.add(logits_of(teacher, examples), logits_of(student, examples), options);
  return sums.means();
}

}  // namespace rolewise::measurement

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/measurement/implementation/distance_to_teacher.hpp>
#endif
