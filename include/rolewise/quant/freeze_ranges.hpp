// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `freeze_ranges`: freezes the learned and observed ranges of quantizers.
///
/// core -> [quant] -> network -> teacher/student

#include <rolewise/core/state.hpp>
#include <rolewise/support/inline.hpp>

#include <string>
#include <string_view>

namespace rolewise {

/// Whether a tensor is the range of a quantizer: a learned one, or a buffer of a part named
/// `quantizer`, which holds an observed one.
[[nodiscard]] ROLEWISE_INLINE bool is_range_of_quantizer(std::string_view name, tensor_kind kind);

/// Freezes or unfreezes the quantizer ranges of a part (a network, a layer), learned and
/// observed: learned ranges get no gradient, and `freeze(bool)` is called on states that have it.
///
/// Whether learned ranges are frozen is not part of a checkpoint: to freeze them during a run,
/// use its optimizer (`param_groups::freeze_after`).
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

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/freeze_ranges.hpp>
#endif
