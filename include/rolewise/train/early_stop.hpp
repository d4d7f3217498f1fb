// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `early_stop` callback: ends a run when validation stops improving.

#include <rolewise/support/inline.hpp>
#include <rolewise/train/callback.hpp>

#include <cstdint>

namespace rolewise {

/// Early stopping: ends the run after `patience` consecutive validations whose accuracy, or other
/// `fit_options::validation_metric`, was not better than `best` by more than `margin`. There is one
/// validation per epoch unless `fit_options::validation_interval` sets another interval.
///
/// @par Source
/// Prechelt: Early Stopping - But When?, 1998, criterion UP in the form with patience.
struct early_stop {
  std::int64_t patience = 10;  ///< validations, at least 1
  double margin = 0.0;         ///< of the metric, at least 0

  double best = -1.0;       ///< value of the last improvement; internal, do not set
  std::int64_t waited = 0;  ///< validations since then; internal, do not set

  /// @throws std::invalid_argument without a validation set
  void on(const fit_begin& event);
  void on(const step_end&) {}
  void on(const epoch_end& event);
  void on(const fit_end&) {}

  [[nodiscard]] bool wants_to_stop() const { return waited >= patience; }

  /// Whether no epoch before was validated by the same metric. Values of a metric may be negative,
  /// so that `best` does not tell.
  [[nodiscard]] bool is_first(const epoch_end& event) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("best", best);
    archive.value("waited", waited);
  }
};

static_assert(StoppingCallback<early_stop>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/early_stop.hpp>
#endif
