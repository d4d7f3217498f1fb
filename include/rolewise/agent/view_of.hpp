// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `view_of` function: the view of an agent in the input format of a network.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/detail/planned_view.hpp>
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

/// Whether kernels make the view of a planned agent in `form`.
[[nodiscard]] ROLEWISE_INLINE bool kernels_make(const batch& examples, const view_form& form);

/// Executes a plan on a batch; the result is written once, directly in `form`.
/// @pre `kernels_make(examples, form)`
[[nodiscard]] ROLEWISE_INLINE batch view_by_plan(plan_function plan, const batch& examples,
                                                 const view_form& form, buffer_pool& buffers);

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
    if (detail::kernels_make(examples, form))
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
