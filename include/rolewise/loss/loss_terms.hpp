// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A loss value together with the values of its terms, for reports.

#include <rolewise/loss/loss_function.hpp>
#include <rolewise/support/inline.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace rolewise {

/// One term of a loss, before its weight.
struct loss_term {
  std::string name;     ///< of the loss; repeated names get the suffix "-2", "-3", ...
  torch::Tensor value;  ///< `[]`, detached
};

/// The value of a loss, and the terms of a sum.
struct loss_terms {
  torch::Tensor total;  ///< `[]`, the value to minimize, with its graph
  /// Those of a sum, of one loss, too; none for a loss that is no sum. Same names in the same order
  /// on every call of the same loss.
  std::vector<loss_term> terms;
};

namespace detail {

/// Adds a term under the name of its loss, or, if that is there, with a number behind.
ROLEWISE_INLINE void add_term(loss_terms& to, std::string_view name, torch::Tensor value);

}  // namespace detail

/// Evaluates a loss with its terms, if it has any (a member `evaluate_terms(pair, targets)`), as
/// a `weighted_sum` has. Nothing is computed twice.
template<LossFunction L>
[[nodiscard]] loss_terms evaluate_loss_terms(const L& loss, const paired_outputs& pair,
                                             const targets& targets)
{
  if constexpr (requires { loss.evaluate_terms(pair, targets); }) {
    return loss.evaluate_terms(pair, targets);
  } else {
    return {evaluate_loss(loss, pair, targets), {}};
  }
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/loss_terms.hpp>
#endif
