// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/learner_state.hpp>.

#include <rolewise/train/detail/learner_state.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE batch pinned_for(torch::Device home, batch view)
{
  if (!home.is_cuda() || !view.inputs.is_cpu()) return view;
  for (auto* each : {&view.inputs, &view.labels, &view.mask, &view.weights})
    if (each->defined() && each->is_cpu()) *each = each->pin_memory();
  return view;
}

ROLEWISE_INLINE batch to_model_input(batch view, const std::vector<named_tensor>& learned)
{
  if (!learned.empty() && device_of(learned) != view.inputs.device()) {
    const bool is_pinned = view.inputs.is_cpu() && view.inputs.is_pinned();
    view = to_device(std::move(view), device_of(learned), is_pinned);
  }
  if (view.inputs.scalar_type() == torch::kByte && view.inputs.dim() == 4)
    view = normalized(std::move(view));
  return view;
}

}  // namespace rolewise::detail
