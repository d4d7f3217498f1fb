// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/label_maps.hpp>.

#include <rolewise/agent/label_maps.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE void refuse_label_maps(std::string_view who, const batch& examples,
                                       std::string_view why)
{
  if (has_label_maps(examples))
    throw_invalid_argument(who, "want one label for each example, got label maps ",
                           examples.labels.sizes(), ": ", why);
}

}  // namespace rolewise

namespace rolewise::detail {

ROLEWISE_INLINE bool is_beside(const torch::Tensor& maps, const torch::Tensor& images)
{
  return maps.size(0) == images.size(0) && maps.size(-2) == images.size(2) &&
         maps.size(-1) == images.size(3);
}

ROLEWISE_INLINE bool label_maps_fit(const batch& examples)
{
  const auto& labels = examples.labels;
  const bool hard = labels.dim() == 3 && labels.scalar_type() == torch::kLong;
  const bool soft = labels.dim() == 4 && labels.is_floating_point();
  return (hard || soft) && is_beside(labels, examples.inputs);
}

ROLEWISE_INLINE bool weights_fit(const batch& examples)
{
  const auto& weights = examples.weights;
  if (!weights.defined()) return true;
  if (!weights.is_floating_point()) return false;
  return weights.dim() == 3 ? is_beside(weights, examples.inputs)
                            : weights.dim() == 1 && weights.size(0) == examples.size();
}

ROLEWISE_INLINE void require_label_maps_of_size(std::string_view who, const batch& examples)
{
  if (!has_label_maps(examples)) return;
  const auto& x = examples.inputs;
  if (!label_maps_fit(examples))
    throw_invalid_argument(who, "want label maps [", x.size(0), ", ", x.size(2), ", ", x.size(3),
                           "] of Long or [", x.size(0), ", classes, ", x.size(2), ", ", x.size(3),
                           "] of floating point beside images ", x.sizes(), ", got ",
                           examples.labels.sizes(), " of ", examples.labels.scalar_type());
  if (!weights_fit(examples))
    throw_invalid_argument(who, "want weights [", x.size(0), "] or [", x.size(0), ", ", x.size(2),
                           ", ", x.size(3), "] of floating point beside label maps, got ",
                           examples.weights.sizes(), " of ", examples.weights.scalar_type());
}

}  // namespace rolewise::detail
