// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Views of planned agents: execution by kernels or by the reference implementation.

#include <rolewise/agent/detail/plan_function.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

namespace rolewise::detail {

/// Whether the kernels move the label maps of a batch, which has some.
[[nodiscard]] ROLEWISE_INLINE bool kernels_move_maps(const batch& examples);

/// Whether the kernels support a batch. Does not throw: image agents reject anything but
/// `uint8 [N, C, H, W]`, and label maps of another size, with their own messages.
[[nodiscard]] ROLEWISE_INLINE bool fits_kernels(const batch& examples);

/// Returns the ids of a batch, contiguous and on the CPU.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor readable_ids(const batch& examples);

/// Whether a plan changes no image of a batch. Plans a few images at a time and returns at the
/// first change.
[[nodiscard]] ROLEWISE_INLINE bool changes_nothing(plan_function plan, const batch& examples);

/// Returns the batch after a plan, `uint8`: by kernels on the CPU, by the reference
/// implementation elsewhere. Label maps, and weights for each pixel, move along. If nothing is
/// planned, the result shares the tensors of the batch.
/// @pre `examples` satisfies `require_images`
[[nodiscard]] ROLEWISE_INLINE batch planned_view(plan_function plan, const batch& examples);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/planned_view.hpp>
#endif
