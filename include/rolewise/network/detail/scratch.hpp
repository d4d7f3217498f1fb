// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Levels as floating-point numbers, in memory that is used again.

#include <rolewise/core/tensor.hpp>

#include <cstdint>

namespace rolewise::detail {

/// What is in scratch memory; one of each at a time.
enum class scratch_of { maps, gradients };

/// Memory of this thread for one tensor at a time, as large as the largest so far: fresh memory
/// costs more than what is written into it.
///
/// @return uninitialised, in the shape of `like`, channels last if it is; unless the last one is
///         still in use, then fresh memory
template<scratch_of = scratch_of::maps>
[[nodiscard]] torch::Tensor scratch_like(const torch::Tensor& like, torch::ScalarType type)
{
  thread_local torch::Tensor memory;
  const auto options = torch::TensorOptions{}.dtype(type).device(like.device());
  const auto layout = like.suggest_memory_format();
  if (!like.device().is_cpu() || at::InferenceMode::is_enabled())
    return at::empty(like.sizes(), options, layout);
  const auto bytes = like.numel() * static_cast<std::int64_t>(torch::elementSize(type));
  if (!memory.defined() || memory.numel() < bytes)
    memory = at::empty({bytes}, torch::TensorOptions{}.dtype(torch::kByte));
  if (memory.storage().use_count() > 1) return at::empty(like.sizes(), options, layout);
  const auto flat = memory.narrow(0, 0, bytes).view(type);
  if (layout != at::MemoryFormat::ChannelsLast) return flat.view(like.sizes());
  return flat.view({like.size(0), like.size(2), like.size(3), like.size(1)}).permute({0, 3, 1, 2});
}

/// `x` in another type, in scratch memory.
template<scratch_of What = scratch_of::maps>
[[nodiscard]] torch::Tensor scratch_copy(const torch::Tensor& x, torch::ScalarType type)
{
  return scratch_like<What>(x, type).copy_(x);
}

}  // namespace rolewise::detail
