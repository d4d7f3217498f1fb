// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `view_of` function: the view of an agent in the input format of a network.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/detail/run_program.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/support/inline.hpp>

namespace rolewise {

/// Format of a view: dtype and memory format.
struct view_form {
  /// uint8, or a floating point type: normalized by `normalized_inputs`.
  torch::ScalarType dtype = torch::kFloat;
  bool channels_last = true;  ///< of floating point views; uint8 is contiguous

  friend bool operator==(const view_form&, const view_form&) = default;
};

namespace detail {

/// Converts the view of any agent to `form`; floating point views of an agent stay unchanged.
[[nodiscard]] ROLEWISE_INLINE batch in_form(batch view, const view_form& form);

[[nodiscard]] ROLEWISE_INLINE bool kernels_write(const view_form& form);

/// Executes a plan on a batch; the result is written once, directly in `form`.
/// @pre `fits_kernels(examples) && kernels_write(form)`
template<typename Plan>
[[nodiscard]] batch view_by_plan(const Plan& plan, const batch& examples, const view_form& form,
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

}  // namespace detail

/// Makes the view of an agent in the format `form`; where kernels make it, in memory of
/// `buffers`.
///
/// A `PlannedAgent` on the CPU is executed image by image, and the last pass over an image writes
/// the final format. Any other agent makes its view, which is then converted. The result is the
/// same, bit for bit: `normalized_inputs` of `agent(examples, progress, key)`. A view that an agent
/// itself returns as floating point stays unchanged.
///
/// @par Determinism
/// That of the agent; the same bits for any number of threads.
/// @throws std::invalid_argument as the agent and `normalized_inputs` do
template<AugmentationAgent A>
[[nodiscard]] batch view_of(const A& agent, const batch& examples,
                            const training_progress& progress, seed key, const view_form& form,
                            buffer_pool& buffers)
{
  if constexpr (PlannedAgent<A>) {
    if (detail::fits_kernels(examples) && detail::kernels_write(form))
      return detail::view_by_plan(
          [&](const image_subjects& subjects, image_program& program) {
            agent.plan(subjects, progress, key, program);
          },
          examples, form, buffers);
  }
  return detail::in_form(agent(examples, progress, key), form);
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/view_of.hpp>
#endif
