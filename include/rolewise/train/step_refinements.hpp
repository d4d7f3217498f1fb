// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Refinements of `TrainingStep`: what `fit`, checkpoints and searches use of a step if it has it.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/seed.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/train/evaluable.hpp>
#include <rolewise/train/training_step.hpp>

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace rolewise {

/// A training step whose network can be evaluated: `evaluated()` returns a student or a teacher.
/// `fit` validates it.
template<typename S>
concept EvaluatedStep = TrainingStep<S> && requires(const S step) {
  requires Evaluable<std::remove_cvref_t<decltype(step.evaluated())>>;
};

/// A training step that tells its learning rate at a training progress. The record of an epoch has
/// that of its first step, and the signature of a run four of them.
template<typename S>
concept ScheduledStep = TrainingStep<S> && requires(S step, const training_progress progress) {
  { step.learning_rate(progress) } -> std::convertible_to<double>;
};

/// A training step with a `seed`, which the signature of a run records: a run is not resumed with
/// another one.
template<typename S>
concept SeededStep = TrainingStep<S> && requires(const S step) {
  { step.seed } -> std::convertible_to<seed>;
};

/// A training step whose `teacher` has a fingerprint, which the signature of a run records.
template<typename S>
concept TaughtStep = TrainingStep<S> && requires(const S step) {
  { step.teacher.fingerprint() } -> std::same_as<std::uint64_t>;
};

}  // namespace rolewise
