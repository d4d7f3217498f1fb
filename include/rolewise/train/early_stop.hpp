// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `early_stop` callback: ends a run when validation stops improving.

#include <rolewise/support/error.hpp>
#include <rolewise/train/callback.hpp>

#include <algorithm>
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
    const auto& metric = event.record.validation_metric;
    if (!metric && !event.record.validation_accuracy) return;
    const double score = metric ? metric->value : *event.record.validation_accuracy;
    const bool is_better =
        metric && !metric->higher_is_better ? score < best - margin : score > best + margin;
    if (is_better || is_first(event)) {
      best = score;
      waited = 0;
    } else {
      ++waited;
    }
  }
  void on(const fit_end&) {}

  [[nodiscard]] bool wants_to_stop() const { return waited >= patience; }

  /// Whether no epoch before was validated by the same metric. Values of a metric may be negative,
  /// so that `best` does not tell.
  [[nodiscard]] bool is_first(const epoch_end& event) const
  {
    const auto& metric = event.record.validation_metric;
    if (!metric) return best < 0.0;
    return std::ranges::none_of(event.so_far.epochs, [&](const epoch_record& record) {
      return record.epoch != event.record.epoch && record.validation_metric &&
             record.validation_metric->name == metric->name;
    });
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("best", best);
    archive.value("waited", waited);
  }
};

static_assert(StoppingCallback<early_stop>);

}  // namespace rolewise
