// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/view_of.hpp>.

#include <rolewise/agent/detail/run_program.hpp>
#include <rolewise/agent/view_of.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE batch in_form(batch view, const view_form& form)
{
  if (form.dtype == torch::kByte || view.inputs.scalar_type() != torch::kByte) return view;
  view.inputs = normalized_inputs(view, form.dtype);
  if (!form.channels_last) view.inputs = view.inputs.contiguous();
  return view;
}

ROLEWISE_INLINE bool kernels_make(const batch& examples, const view_form& form)
{
  const bool is_written =
      form.dtype == torch::kByte || form.dtype == torch::kFloat || form.dtype == torch::kBFloat16;
  return is_written && fits_kernels(examples);
}

ROLEWISE_INLINE batch view_by_plan(plan_function plan, const batch& examples, const view_form& form,
                                   buffer_pool& buffers)
{
  const auto& x = examples.inputs;
  auto view = examples;
  const bool last = form.channels_last && form.dtype != torch::kByte;
  const auto size = planned_size(plan, x);
  view.inputs =
      buffers.take({x.size(0), x.size(1), size.height, size.width}, form.dtype,
                   last ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous);
  const auto maps = maps_of(examples, size, [&](at::IntArrayRef sizes, torch::ScalarType dtype) {
    return buffers.take(sizes, dtype);
  });
  run_batch(
      plan, examples,
      {form.dtype, last ? kernels::layout::channels_last : kernels::layout::planes,
       scale_of(examples.normalization), view.inputs.mutable_data_ptr(), size.height, size.width},
      maps);
  maps.put_into(view);
  return view;
}

}  // namespace rolewise::detail
