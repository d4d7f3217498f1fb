// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/loss_terms.hpp>.

#include <rolewise/loss/loss_terms.hpp>

#include <rolewise/support/classic_text.hpp>

#include <algorithm>
#include <utility>

namespace rolewise::detail {

ROLEWISE_INLINE void add_term(loss_terms& to, std::string_view name, torch::Tensor value)
{
  std::string name_here{name};
  for (int twin = 2; std::any_of(to.terms.begin(), to.terms.end(),
                                 [&](const loss_term& term) { return term.name == name_here; });
       ++twin)
    name_here = classic_text(name, "-", twin);
  to.terms.push_back({std::move(name_here), std::move(value)});
}

}  // namespace rolewise::detail
