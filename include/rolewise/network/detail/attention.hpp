// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Scaled dot-product attention, its mask and its probabilities.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise::detail {

/// What each token attends to.
struct attention_mask {
  /// `[N, 1, 1, L]` or `[N, 1, L, L]`, added to the scores: 0, or -1e9 for a token that is not
  /// seen, whose probability is then exactly 0. It is finite, so that a token that sees none has
  /// finite values as well. Undefined where there is no padding.
  torch::Tensor added{};
  bool is_causal = false;  ///< a token sees itself and earlier ones; in `added` too
};

/// The mask of sequences with padding; of all tokens if `tokens` is undefined.
/// @param tokens `[N, L]` bool, true for a token
/// @param type that of queries and keys
[[nodiscard]] ROLEWISE_INLINE attention_mask mask_of(const torch::Tensor& tokens, bool is_causal,
                                                     torch::ScalarType type);

/// softmax(q k^T / sqrt(D) + mask) v, by the kernel that LibTorch chooses; without padding these
/// are its fused ones.
/// @param q,k,v `[N, heads, L, D]`
/// @return `[N, heads, L, D]`
[[nodiscard]] ROLEWISE_INLINE torch::Tensor attended(const torch::Tensor& q, const torch::Tensor& k,
                                                     const torch::Tensor& v,
                                                     const attention_mask& mask);

/// The probabilities softmax(q k^T / sqrt(D) + mask), `[N, heads, L, L]`, with a graph.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor attention_probabilities(const torch::Tensor& q,
                                                                    const torch::Tensor& k,
                                                                    const attention_mask& mask);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/attention.hpp>
#endif
