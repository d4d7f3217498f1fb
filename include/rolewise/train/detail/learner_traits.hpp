// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What a type that should be a `learner` is a learner of.

#include <rolewise/student/student.hpp>
#include <rolewise/train/learner.hpp>

namespace rolewise::detail {

/// In the place of the model of what is no learner: satisfies no concept of models, so that a step
/// that checks its parts says what is wrong, and no missing member does.
struct no_model {};

template<typename T>
struct learner_traits {
  static constexpr bool is_learner = false;
  using model = no_model;
};
template<typename Model, typename O, typename S>
struct learner_traits<learner<Model, O, S>> {
  static constexpr bool is_learner = true;
  using model = Model;
};

template<typename T>
inline constexpr bool is_learner = learner_traits<T>::is_learner;
template<typename T>
using model_of = typename learner_traits<T>::model;
template<typename T>
inline constexpr bool is_student_learner = Student<model_of<T>>;

}  // namespace rolewise::detail
