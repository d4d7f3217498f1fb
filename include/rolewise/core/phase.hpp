// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Whether a network is learning or being asked.

namespace rolewise {

/// In `training` batch norm uses the statistics of the batch and updates its running ones, and
/// ranges of quantizers are observed; in `evaluation` nothing of the network changes. In
/// `statistics` batch norm uses those of the batch too and its running ones become those of all
/// batches since it was told to start anew; nothing else changes.
enum class phase { training, evaluation, statistics };

}  // namespace rolewise
