// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Whether a network is learning or being asked.

namespace rolewise {

/// In `training` batch norm uses the statistics of the batch and updates its running ones, and
/// ranges of quantizers are observed; in `evaluation` nothing of the network changes. In
/// `statistics` batch norm uses those of the batch too and its running ones become those of all
/// batches since it was told to start anew; nothing else changes. `calibration` is evaluation, but
/// ranges of quantizers are observed.
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
