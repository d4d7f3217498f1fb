// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Label maps: batches with a label for each pixel of their images.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

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
ROLEWISE_INLINE void refuse_label_maps(std::string_view who, const batch& examples,
                                       std::string_view why);

namespace detail {

/// Whether a tensor has a value for each pixel of images `[N, C, H, W]`: N, H and W are its first
/// and its last two sizes.
[[nodiscard]] ROLEWISE_INLINE bool is_beside(const torch::Tensor& maps,
                                             const torch::Tensor& images);

/// @pre `has_label_maps(examples)`, and images `[N, C, H, W]`
[[nodiscard]] ROLEWISE_INLINE bool label_maps_fit(const batch& examples);

/// @pre as above
[[nodiscard]] ROLEWISE_INLINE bool weights_fit(const batch& examples);

/// Throws unless the labels of a batch of images are one for each example, or label maps of the
/// size of the images.
/// @pre the images are `[N, C, H, W]`
ROLEWISE_INLINE void require_label_maps_of_size(std::string_view who, const batch& examples);

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/label_maps.hpp>
#endif
