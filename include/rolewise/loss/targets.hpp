// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `targets` of a batch: what a loss compares outputs with.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

/// Labels of a batch, their weights, and the position in training: the inputs of a loss besides
/// the outputs.
struct targets {
  /// Class indices, int64, or soft labels, floating point with the shape of the logits: one for
  /// each example, `[N]` or `[N, C]`, pixel, `[N, H, W]` or `[N, C, H, W]`, or token, `[N, L]` or
  /// `[N, C, L]`.
  torch::Tensor labels;
  /// `[N]` int64, the ids of the examples in their data set; may be undefined.
  torch::Tensor ids;
  training_progress progress;
  /// Floating point, at least 0: `[N]`, or one for each pixel or token; undefined means 1.
  torch::Tensor weights{};
  /// A hard label of this value counts in no loss on labels and in no metric; losses against a
  /// teacher alone count the element, so that examples without a label can be distilled on.
  std::int64_t ignore_index = -100;
};

/// The targets of a batch. Where there is a label for each token, the weights of padding
/// (`batch::mask`) are 0.
[[nodiscard]] ROLEWISE_INLINE targets targets_of(const batch& examples,
                                                 const training_progress& progress);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/targets.hpp>
#endif
