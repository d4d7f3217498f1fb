// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A score together with the scores that it was made of, for those who report both.

#include <rolewise/loss/objective.hpp>

#include <string>
#include <vector>

namespace rolewise {

/// One part of a score, before its weight.
struct loss_term {
  std::string name;     ///< of the loss; a second one of that name has "-2" after it, and so on
  torch::Tensor value;  ///< `[]`, detached
};

struct loss_terms {
  torch::Tensor total;  ///< `[]`, what is made small; carries the gradient
  /// Same names in the same order whenever the same objective is asked.
  std::vector<loss_term> terms;
};

/// The score of anything scored, and its terms where it has some (`score_terms`); else its only
/// term is itself. Nothing is computed twice.
template<Scored O>
[[nodiscard]] loss_terms score_terms(const O& objective, const paired_responses& pair,
                                     const supervision& known)
{
  if constexpr (requires { objective.score_terms(pair, known); }) {
    return objective.score_terms(pair, known);
  } else {
    auto total = score(objective, pair, known);
    auto value = total.detach();
    return {std::move(total), {{std::string{std::string_view{O::name}}, std::move(value)}}};
  }
}

}  // namespace rolewise
