// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What a network says about a batch, and what two networks say about the same one.

#include <rolewise/core/tensor.hpp>

#include <vector>

namespace rolewise {

/// What a caller wants of a network beside the logits.
struct taps {
  bool features = false;  ///< fill `response::features`
};

/// One network on one batch of N examples and C classes.
struct response {
  /// `[N, C]`, floating point. Natural-log scores, unitless, free up to a constant per row; never
  /// probabilities.
  torch::Tensor logits;

  /// `[N, D, H, W]` for each stage, input side first (the stem, then every stage after its last
  /// activation); D, H and W vary by stage. Last comes the pooled vector `[N, D]`. Empty unless
  /// asked for (`taps`).
  std::vector<torch::Tensor> features;
};

/// Both networks on the same examples, in the same order.
struct paired_responses {
  response teacher;
  response student;
};

}  // namespace rolewise
