// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `early_stop` callback: ends a run when validation accuracy stops improving.

#include <rolewise/core/error.hpp>
#include <rolewise/train/callback.hpp>

#include <cstdint>

namespace rolewise {

/// Early stopping: ends the run after `patience` consecutive validations whose accuracy was not
/// above `best` by more than `margin`. There is one validation per epoch unless
/// `fit_options::validation_interval` sets another interval.
///
/// @par Source
/// Prechelt: Early Stopping - But When?, 1998, criterion UP in the form with patience.
struct early_stop {
  std::int64_t patience = 10;  ///< validations, at least 1
  double margin = 0.0;         ///< of accuracy, at least 0

  double best = -1.0;       ///< accuracy of the last improvement; internal, do not set
  std::int64_t waited = 0;  ///< validations since then; internal, do not set

  /// @throws std::invalid_argument without a validation set
  void on(const fit_begin& event)
  {
    if (patience < 1 || !(margin >= 0.0))
      throw_invalid_argument("early_stop", "want patience >= 1 and margin >= 0, got ", patience,
                             " and ", margin);
    if (event.run.judged == 0)
      throw_invalid_argument("early_stop",
                             "wants a validation set: fit(..., {.validation = &set}, ...)");
    if (!event.is_resumed) {
      best = -1.0;
      waited = 0;
    }
  }
  void on(const step_end&) {}
  void on(const epoch_end& event)
  {
    if (!event.record.validation_accuracy) return;
    const double score = *event.record.validation_accuracy;
    if (score > best + margin || best < 0.0) {
      best = score;
      waited = 0;
    } else {
      ++waited;
    }
  }
  void on(const fit_end&) {}

  [[nodiscard]] bool wants_to_stop() const { return waited >= patience; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("best", best);
    archive.value("waited", waited);
  }
};

static_assert(StoppingCallback<early_stop>);

}  // namespace rolewise
