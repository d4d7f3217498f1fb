// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Ranges of quantizers that stay as they are.
///
/// core, quant -> [network] -> teacher/student

#include <rolewise/core/state.hpp>

#include <string>

namespace rolewise {

/// Freezes the ranges of a network's quantizers, learned and observed ones, or lets them move
/// again: learned ranges get no gradient, and states of quantizers that have a `freeze(bool)`
/// are told.
///
/// Whether learned ranges are frozen is not part of a checkpoint: a run that freezes them on its
/// way does it by its optimiser (`ranges_apart::freeze_after`).
template<state_must::be_shown Network>
void freeze_ranges(Network& network, bool frozen = true)
{
  for_each_part(network, [&](const std::string&, auto& part) {
    if constexpr (requires { part.freeze(frozen); }) part.freeze(frozen);
  });
  for_each_tensor(network, [&](const std::string&, torch::Tensor& t, tensor_kind kind) {
    if (kind == tensor_kind::range && t.defined()) t.set_requires_grad(!frozen);
  });
}

}  // namespace rolewise
