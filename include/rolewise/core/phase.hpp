// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Whether a network is learning or being asked.

namespace rolewise {

/// In `training` batch norm uses the statistics of the batch and updates its running ones, and
/// ranges of quantizers are observed; in `evaluation` nothing of the network changes.
enum class phase { training, evaluation };

}  // namespace rolewise
