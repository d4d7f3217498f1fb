// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/view_of.hpp>.

#include <rolewise/agent/view_of.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE batch in_form(batch view, const view_form& form)
{
  if (form.dtype == torch::kByte || view.inputs.scalar_type() != torch::kByte) return view;
  view.inputs = normalized_inputs(view, form.dtype);
  if (!form.channels_last) view.inputs = view.inputs.contiguous();
  return view;
}

ROLEWISE_INLINE bool kernels_write(const view_form& form)
{
  return form.dtype == torch::kByte || form.dtype == torch::kFloat ||
         form.dtype == torch::kBFloat16;
}

}  // namespace rolewise::detail
