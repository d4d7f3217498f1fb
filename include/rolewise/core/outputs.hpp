// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The output of a forward pass: logits and features of one network, or of teacher and student.

#include <rolewise/core/tensor.hpp>

#include <vector>

namespace rolewise {

/// Optional outputs of a forward pass besides the logits.
struct taps {
  bool features = false;  ///< fill `outputs::features`
};

/// Output of one network for a batch of N examples and C classes.
struct outputs {
  /// `[N, C]`, floating point. Unnormalized natural-log scores, unitless, defined up to a
  /// constant per row; never probabilities.
  torch::Tensor logits;

  /// `[N, D, H, W]` for each stage, input side first (the stem, then every stage after its last
  /// activation); D, H and W vary by stage. The last entry is the pooled vector `[N, D]`. Empty
  /// unless requested (`taps`).
  std::vector<torch::Tensor> features;
};

/// Outputs of teacher and student for the same examples, in the same order.
struct paired_outputs {
  outputs teacher;
  outputs student;
};

}  // namespace rolewise
