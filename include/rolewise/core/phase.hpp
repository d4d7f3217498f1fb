// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `phase` of a forward pass: training, evaluation, statistics or calibration.

namespace rolewise {

/// Mode of a forward pass. In `training`, batch norm uses batch statistics and updates its
/// running statistics, and quantizers observe their ranges. In `evaluation` the network does not
/// change. In `statistics`, batch norm uses batch statistics too, and its running statistics
/// become those of all batches since they were restarted; nothing else changes. `calibration` is
/// evaluation in which quantizers observe their ranges.
enum class phase { training, evaluation, statistics, calibration };

/// Whether batch norm uses its running statistics.
[[nodiscard]] constexpr bool is_as_asked(phase when) noexcept
{
  return when == phase::evaluation || when == phase::calibration;
}
/// Whether ranges of quantizers are observed.
[[nodiscard]] constexpr bool observes_ranges(phase when) noexcept
{
  return when == phase::training || when == phase::calibration;
}

}  // namespace rolewise
