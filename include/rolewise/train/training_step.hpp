// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `TrainingStep` concept: one update of parameters from one batch.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/batch.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/core/training_progress.hpp>

#include <concepts>
#include <functional>
#include <string>
#include <vector>

namespace rolewise {

/// A metric of one step. It stays on the device until it is read.
struct metric {
  std::string name;     ///< `loss`, `cross-entropy`, `soft-target-kl`, `accuracy`, ...
  torch::Tensor value;  ///< 0-dimensional, detached, floating point; the mean over the batch
  /// Of a metric that is no mean over examples: sums that add up over batches (`Metric`), detached.
  /// If they are defined, the number of an epoch is `value_of` their total.
  torch::Tensor sums{};
  /// The metric of sums, 0-dimensional, on their device.
  std::function<torch::Tensor(const torch::Tensor&)> value_of{};
  /// The sums are [sum over the examples that count, their number], without weights. If all
  /// examples of an epoch counted, its number is the mean of `value` weighted by batch size, with
  /// the bits of a metric without sums.
  bool is_mean_over_examples = false;
};

/// The metrics of one step. The first is the loss; names and order are the same in every step.
using metrics = std::vector<metric>;

namespace step_must {

template<typename S>
concept turn_a_batch_into_metrics =
    requires(S step, const batch examples, const training_progress progress) {
      { step(examples, progress) } -> std::same_as<metrics>;
    };

template<typename S>
concept show_all_their_state = state_must::be_shown<S>;

}  // namespace step_must

/// A training step: one update of parameters from one batch. `visit_state` lists all state that a
/// checkpoint must hold: after a restore, the next steps give the same bits as in an
/// uninterrupted run (`tests/laws/training_step.hpp`).
template<typename S>
concept TrainingStep =
    step_must::turn_a_batch_into_metrics<S> && step_must::show_all_their_state<S>;

}  // namespace rolewise
