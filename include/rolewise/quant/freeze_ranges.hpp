// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Ranges of quantizers that stay as they are.
///
/// core -> [quant] -> network -> teacher/student

#include <rolewise/core/state.hpp>

#include <string>
#include <string_view>

namespace rolewise {

/// Whether a tensor of a part is a range: a learned one, or what a part called `quantizer` has
/// observed.
[[nodiscard]] inline bool is_range_of_quantizer(std::string_view name, tensor_kind kind)
{
  constexpr std::string_view part = "quantizer.";
  return kind == tensor_kind::range ||
         (kind == tensor_kind::buffer &&
          (name.starts_with(part) || name.find(".quantizer.") != name.npos));
}

/// Freezes the ranges of quantizers in a part (a network, a layer), learned and observed ones, or
/// lets them move again: learned ranges get no gradient, and states of quantizers that have a
/// `freeze(bool)` are told.
///
/// Whether learned ranges are frozen is not part of a checkpoint: a run that freezes them on its
/// way does it by its optimiser (`ranges_apart::freeze_after`).
template<state_must::be_shown P>
void freeze_ranges(P& part, bool frozen = true)
{
  for_each_part(part, [&](const std::string&, auto& inner) {
    if constexpr (requires { inner.freeze(frozen); }) inner.freeze(frozen);
  });
  for_each_tensor(part, [&](const std::string&, torch::Tensor& t, tensor_kind kind) {
    if (kind == tensor_kind::range && t.defined()) t.set_requires_grad(!frozen);
  });
}

}  // namespace rolewise
