// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `PreparingStep` concept: training steps whose batches can be prepared ahead.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/batch.hpp>
#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/train/training_step.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace rolewise {

/// The type of a step's preparation function, which is independent of the step.
template<typename S>
using preparation_of = decltype(std::declval<S&>().preparation());

/// The type of a prepared batch.
template<typename S>
using prepared_by =
    std::invoke_result_t<preparation_of<S>&, const batch&, const training_progress&, buffer_pool&>;

namespace step_must {

template<typename S>
concept hand_out_a_preparation = requires {
  typename prepared_by<S>;
} && std::copy_constructible<preparation_of<S>> && std::movable<prepared_by<S>>;

template<typename S>
concept take_what_is_prepared =
    requires(S step, prepared_by<S> prepared, const training_progress progress) {
      { step.take(std::move(prepared), progress) } -> std::same_as<metrics>;
    };

}  // namespace step_must

/// A training step in two parts: a preparation, which does not depend on earlier steps, and the
/// update. `fit` with `.prefetch` runs preparations in background threads.
///
///     step(examples, progress)
///     step.take(step.preparation()(examples, progress, buffers), progress)   // the same bits
///
/// A preparation is a separate value and shares no mutable data with the step: it is called in
/// other threads while the step computes. Its copies may run concurrently; each copy is called by
/// one thread at a time. It takes large tensors from `buffers`, which reuses their memory once
/// the prepared batch is released; this is the memory that `fit_options::prefetch` bounds.
///
/// `supervised` and `distillation` are preparing steps if all their agents are `IndependentAgent`s.
template<typename S>
concept PreparingStep =
    TrainingStep<S> && step_must::hand_out_a_preparation<S> && step_must::take_what_is_prepared<S>;

}  // namespace rolewise
