// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A loss value together with the values of its terms, for reports.

#include <rolewise/loss/objective.hpp>

#include <string>
#include <vector>

namespace rolewise {

/// One term of a loss, before its weight.
struct loss_term {
  std::string name;     ///< of the loss; repeated names get the suffix "-2", "-3", ...
  torch::Tensor value;  ///< `[]`, detached
};

struct loss_terms {
  torch::Tensor total;  ///< `[]`, the value to minimize, with its graph
  /// Same names in the same order on every call of the same objective.
  std::vector<loss_term> terms;
};

/// Evaluates an objective or a distillation loss with its terms, if it has any (`score_terms`);
/// otherwise its only term is itself. Nothing is computed twice.
template<Scored O>
[[nodiscard]] loss_terms score_terms(const O& objective, const paired_outputs& pair,
                                     const targets& targets)
{
  if constexpr (requires { objective.score_terms(pair, targets); }) {
    return objective.score_terms(pair, targets);
  } else {
    auto total = score(objective, pair, targets);
    auto value = total.detach();
    return {std::move(total), {{std::string{std::string_view{O::name}}, std::move(value)}}};
  }
}

}  // namespace rolewise
