// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Label maps: batches with a label for each pixel of their images.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise {

/// Whether the labels of a batch of images are label maps, `[N, H, W]` or `[N, classes, H, W]`:
/// an agent that moves pixels must then move them along.
[[nodiscard]] inline bool has_label_maps(const batch& examples)
{
  return examples.labels.defined() && examples.labels.dim() > 2;
}

/// Throws if a batch has label maps, for an agent that cannot move them.
/// @param why what the agent does with pixels that a map cannot follow
/// @throws std::invalid_argument whose message begins with `who`
inline void refuse_label_maps(std::string_view who, const batch& examples, std::string_view why)
{
  if (has_label_maps(examples))
    throw_invalid_argument(who, "want one label for each example, got label maps ",
                           examples.labels.sizes(), ": ", why);
}

namespace detail {

/// Whether a tensor has a value for each pixel of images `[N, C, H, W]`: N, H and W are its first
/// and its last two sizes.
[[nodiscard]] inline bool is_beside(const torch::Tensor& maps, const torch::Tensor& images)
{
  return maps.size(0) == images.size(0) && maps.size(-2) == images.size(2) &&
         maps.size(-1) == images.size(3);
}

/// @pre `has_label_maps(examples)`, and images `[N, C, H, W]`
[[nodiscard]] inline bool label_maps_fit(const batch& examples)
{
  const auto& labels = examples.labels;
  const bool hard = labels.dim() == 3 && labels.scalar_type() == torch::kLong;
  const bool soft = labels.dim() == 4 && labels.is_floating_point();
  return (hard || soft) && is_beside(labels, examples.inputs);
}

/// @pre as above
[[nodiscard]] inline bool weights_fit(const batch& examples)
{
  const auto& weights = examples.weights;
  if (!weights.defined()) return true;
  if (!weights.is_floating_point()) return false;
  return weights.dim() == 3 ? is_beside(weights, examples.inputs)
                            : weights.dim() == 1 && weights.size(0) == examples.size();
}

/// Throws unless the labels of a batch of images are one for each example, or label maps of the
/// size of the images.
/// @pre the images are `[N, C, H, W]`
inline void require_label_maps_of_size(std::string_view who, const batch& examples)
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

}  // namespace detail

}  // namespace rolewise
