// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Whether a type is a `learner`, and of which model: for steps that check their parts.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/student/student.hpp>
#include <rolewise/train/learner.hpp>

namespace rolewise {

/// The model of what is no learner: satisfies no concept of models, so that a step that checks its
/// parts says what is wrong, and no missing member does.
struct no_model {};

/// `is_learner`, and `model`: that of the learner, or `no_model`.
template<typename T>
struct learner_traits {
  static constexpr bool is_learner = false;
  using model = no_model;
};
template<typename Model, typename OptimizerType, typename ScheduleType>
struct learner_traits<learner<Model, OptimizerType, ScheduleType>> {
  static constexpr bool is_learner = true;
  using model = Model;
};

template<typename T>
inline constexpr bool is_learner = learner_traits<T>::is_learner;

/// The model of a learner; `no_model` if it is none.
template<typename T>
using model_of = typename learner_traits<T>::model;

/// Whether it is a learner of a student.
template<typename T>
inline constexpr bool is_student_learner = Student<model_of<T>>;

}  // namespace rolewise
