// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/early_stop.hpp>.

#include <rolewise/train/early_stop.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>

namespace rolewise {

ROLEWISE_INLINE void early_stop::on(const fit_begin& event)
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

ROLEWISE_INLINE void early_stop::on(const epoch_end& event)
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

ROLEWISE_INLINE bool early_stop::is_first(const epoch_end& event) const
{
  const auto& metric = event.record.validation_metric;
  if (!metric) return best < 0.0;
  return std::ranges::none_of(event.so_far.epochs, [&](const epoch_record& record) {
    return record.epoch != event.record.epoch && record.validation_metric &&
           record.validation_metric->name == metric->name;
  });
}

}  // namespace rolewise
