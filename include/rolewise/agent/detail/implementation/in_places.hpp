// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/in_places.hpp>.

#include <rolewise/agent/detail/in_places.hpp>

#include <rolewise/agent/differentiable_transforms.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>

#include <cstdint>
#include <utility>

namespace rolewise::detail {

ROLEWISE_INLINE batch in_places(std::string_view who, const batch& examples)
{
  auto bytes = examples.inputs;
  if (!bytes.defined() || bytes.dim() != 4)
    throw_invalid_argument(who, "want images [N, C, H, W], got ",
                           bytes.defined() ? classic_text(bytes.sizes()) : "an undefined tensor");
  const std::int64_t count = bytes.size(0);
  if (bytes.scalar_type() != torch::kByte) {
    const auto pixels = unit_pixels(examples).detach();
    if (pixels.isnan().any().item<bool>())
      throw_invalid_argument(who, "want images of numbers, got NaN");
    bytes = (pixels * 255.0).round().clamp(0.0, 255.0).to(torch::kByte).contiguous();
  }
  return {.inputs = std::move(bytes),
          .labels = at::zeros({count}, torch::kLong),
          .ids = at::arange(count, torch::kLong),
          .normalization = examples.normalization};
}

}  // namespace rolewise::detail
