// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// RKD in plain tensor operations: the reference of its kernels, and what runs on every device and
/// dtype that they do not take.
///
/// Only function bodies include it.

#include <rolewise/loss/detail/feature_rows.hpp>

namespace rolewise::detail {

/// Mean of H(d_s / mean d_s - d_t / mean d_t) over pairs.
/// @param distances `[N, N]` in the places of the rows
[[nodiscard]] ROLEWISE_INLINE torch::Tensor distance_relations(const feature_rows& distances);

/// Mean of H(cos_s - cos_t) over triples, from the distances, a block of anchors at a time: the
/// forward pass computes value and gradient, so N^2 numbers are kept, not N^3.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor angle_relations(const feature_rows& distances);

/// The loss of distances plus the loss of angles, each by its weight. Scalar, differentiable once
/// with respect to the student's features.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor relations_by_tensors(const feature_rows& rows,
                                                                 double distance_weight,
                                                                 double angle_weight);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/relations.hpp>
#endif
