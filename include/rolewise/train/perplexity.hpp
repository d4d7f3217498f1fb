// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The metric `perplexity`.

#include <rolewise/support/inline.hpp>
#include <rolewise/train/metric.hpp>

#include <string_view>

namespace rolewise {

/// Perplexity: e to the mean negative log-likelihood of the labels, in nats, over the elements
/// (tokens, in a language model); at least 1, and C for equal logits of C classes. Of soft labels,
/// the cross-entropy takes the place of the likelihood.
///
///     perplexity = exp(-sum_n w[n] log softmax(logits[n])[label[n]] / sum_n w[n])
///
/// @par Source
/// Jelinek, Mercer, Bahl, Baker: Perplexity - a measure of the difficulty of speech recognition
/// tasks, 1977.
struct perplexity {
  static constexpr std::string_view name = "perplexity";
  static constexpr bool higher_is_better = false;
  static constexpr bool has_state = false;

  /// Softmax is computed in at least single precision.
  /// @return `[2]`: the weighted sum of the negative log-likelihoods, and the weight of all
  /// elements
  /// @throws std::invalid_argument as `top_k_accuracy`; on the CPU, for a hard label that is
  ///         neither a class nor ignored
  [[nodiscard]] torch::Tensor sums(const outputs& found, const targets& wanted) const;
  [[nodiscard]] torch::Tensor value(const torch::Tensor& sums) const
  {
    return (sums[0] / sums[1]).exp();
  }
};

static_assert(Metric<perplexity>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/perplexity.hpp>
#endif
