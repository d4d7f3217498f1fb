// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Argument checks and sizes of losses on feature maps.

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/support/inline.hpp>

#include <c10/core/ScalarType.h>

#include <string_view>
#include <utility>

namespace rolewise::detail {

/// @throws std::invalid_argument unless both are `[N, C, H, W]`, floating point, alike in N, dtype
///         and device
ROLEWISE_INLINE void require_maps(const torch::Tensor& teacher, const torch::Tensor& student,
                                  std::string_view caller, tap_id tapped_at);

/// The maps in at least single precision, the larger averaged to the rows and columns of the
/// smaller.
[[nodiscard]] ROLEWISE_INLINE std::pair<torch::Tensor, torch::Tensor> of_one_size(
    const torch::Tensor& teacher, const torch::Tensor& student);

template<tap_id First, tap_id...>
[[nodiscard]] torch::ScalarType type_of_first(const outputs& of)
{
  return of.features[First].scalar_type();
}

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/feature_maps.hpp>
#endif
