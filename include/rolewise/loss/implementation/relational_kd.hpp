// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/relational_kd.hpp>.

#include <rolewise/loss/relational_kd.hpp>

#include <rolewise/loss/detail/fused_loss.hpp>
#include <rolewise/loss/detail/relation_rows.hpp>
#include <rolewise/loss/detail/relations.hpp>
#include <rolewise/loss/detail/require_weight.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor relational_kd_value(const feature_rows& rows, double distance_weight,
                                                  double angle_weight)
{
  require_weight(distance_weight, "distance_weight", "relational-kd");
  require_weight(angle_weight, "angle_weight", "relational-kd");
  if (!fits_kernels(rows.student) || !fits_kernels(rows.teacher) ||
      (rows.weights.defined() && rows.weights.requires_grad()))
    return relations_by_tensors(rows, distance_weight, angle_weight);
  return value_of(c10::make_intrusive<relation_rows>(rows, distance_weight, angle_weight),
                  rows.student, rows.teacher);
}

}  // namespace rolewise::detail
